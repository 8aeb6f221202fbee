//! Takes the turns of deliveries: of those that begin at the same time by one statement.

use std::{cell::RefCell, collections::HashMap, mem, rc::Rc, sync::Arc, time::Duration};

use contract_webhook::EndpointId;
use reqwest::header::HeaderMap;
use sealing::Keyring;
use service_kit::db::Db;
use tokio::sync::oneshot;

use super::store::{self, Asked, Due, Way};
use crate::{
    endpoint::{
        EndpointError, headers,
        kind::{self, Language},
    },
    message::MessageError,
    secret,
    signing::SigningSecret,
};

/// How many go into one statement.
const MOST: usize = 256;

/// All handlers run on one thread: those that a worker begins together ask before the first of them is
/// answered.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    db: Db,
    keyring: Arc<Keyring>,
    waiting: Rc<RefCell<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    asked: Vec<(Asked, oneshot::Sender<Answer>)>,
    /// Somebody takes their turns.
    is_served: bool,
}

type Answer = Result<Option<Turn>, TurnError>;

/// What is to be sent, where, and when.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) body: String,
    /// How often it was sent before.
    pub(super) attempts: i32,
    /// None, if the endpoint is off.
    pub(super) endpoint: Option<Rc<Target>>,
    /// How long until it is its turn.
    pub(super) wait: Duration,
}

/// Where messages go, for those that begin together.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) language: Language,
    pub(super) secrets: Vec<SigningSecret>,
}

/// Why turns were not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum TurnError {
    #[error("a turn cannot be taken")]
    Untaken(#[source] Arc<MessageError>),
    #[error("an endpoint cannot be read")]
    Unread(#[source] Arc<EndpointError>),
    #[error("nobody took the turn")]
    Forgotten,
}

impl Turns {
    pub(super) fn new(db: Db, keyring: Arc<Keyring>) -> Self {
        Self { db, keyring, waiting: Rc::default() }
    }

    /// What is to be sent; none, if that is no longer so. `by_hand` also what is there, or was given up.
    pub(super) async fn take(&self, way: Way, by_hand: bool) -> Answer {
        let (answer, answered) = oneshot::channel();
        let is_served = {
            let mut waiting = self.waiting.borrow_mut();
            waiting.asked.push((Asked { way, by_hand }, answer));
            mem::replace(&mut waiting.is_served, true)
        };
        if !is_served {
            // On its own: who asked may be interrupted, and others wait for the same answer.
            tokio::task::spawn_local(self.clone().serve());
        }
        answered.await.unwrap_or(Err(TurnError::Forgotten))
    }

    /// Until nobody waits.
    async fn serve(self) {
        while let Some(batch) = self.next() {
            let (asked, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            match self.take_all(&asked).await {
                Ok(mut turns) => {
                    for (place, answer) in (1..).zip(answers) {
                        // Tolerated: who asked was interrupted.
                        let _ = answer.send(turns.remove(&place).transpose());
                    }
                }
                Err(why) => {
                    for answer in answers {
                        let _ = answer.send(Err(why.clone()));
                    }
                }
            }
        }
    }

    fn next(&self) -> Option<Vec<(Asked, oneshot::Sender<Answer>)>> {
        let mut waiting = self.waiting.borrow_mut();
        let number = waiting.asked.len().min(MOST);
        waiting.is_served = number > 0;
        waiting.is_served.then(|| waiting.asked.drain(..number).collect())
    }

    /// By their places.
    async fn take_all(&self, asked: &[Asked]) -> Result<HashMap<i64, Result<Turn, TurnError>>, TurnError> {
        let untaken = |why| TurnError::Untaken(Arc::new(why));
        let mut conn = self.db.connection().await.map_err(|why| untaken(why.into()))?;
        let due = store::take_turns(&mut conn, asked).await.map_err(untaken)?;
        drop(conn);
        let mut targets = HashMap::new();
        let mut turn = |mut due: Due| {
            let endpoint = match due.enabled {
                true => Some(targets.entry(due.endpoint_id).or_insert_with(|| self.open(&mut due)).clone()?),
                false => None,
            };
            let wait = Duration::try_from_secs_f64(due.turn).unwrap_or_default();
            Ok(Turn { body: due.body, attempts: due.attempts, endpoint, wait })
        };
        Ok(due.into_iter().map(|due| (due.place, turn(due))).collect())
    }

    fn open(&self, due: &mut Due) -> Result<Rc<Target>, TurnError> {
        let id: EndpointId = due.endpoint_id;
        let unread = |why| TurnError::Unread(Arc::new(why));
        let headers = headers::open(&self.keyring, id, due.headers.as_deref()).map_err(unread)?;
        let secrets =
            secret::store::open_all(&self.keyring, &due.secret_ids, &due.secrets).map_err(unread)?;
        let language = kind::stored(&due.kind, due.posthog.take());
        Ok(Rc::new(Target { url: mem::take(&mut due.url), headers, language, secrets }))
    }
}
