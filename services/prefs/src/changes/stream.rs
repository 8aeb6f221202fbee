use std::{convert::Infallible, sync::Arc, time::Duration};

use actix_web::web::{Bytes, Data};
use futures_util::{Stream, future::BoxFuture, stream};
use identity::End;
use ids::{OrgId, UserId};
use service_kit::db::Db;
use tokio::{
    sync::{
        SemaphorePermit,
        broadcast::{Receiver, error::RecvError},
    },
    time::{Instant, sleep_until},
};

use super::{
    hub::Round,
    rules::{Known, Part, Snapshot, learn, notices, state},
    store::{self, Change, Standing},
};

/// How long a connection may be silent; proxies close those that are for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a stream begins with: how soon to come back when it breaks, milliseconds.
const OPENING: &str = "retry: 1000\n\n";

/// One client that watches.
pub(super) struct Watch {
    who: (OrgId, UserId),
    db: Data<Db>,
    news: Receiver<Arc<Round>>,
    known: Known,
    /// What the client has seen.
    seen: Snapshot,
    /// What is to be sent before anything is waited for.
    waiting: Option<String>,
    beats_at: Instant,
    credential: BoxFuture<'static, End>,
    _place: SemaphorePermit<'static>,
}

impl Watch {
    /// Of somebody whose documents stand like that. Who came back is told what is another
    /// one, and everybody else how all stand.
    pub(super) fn new(
        who: (OrgId, UserId),
        db: Data<Db>,
        news: Receiver<Arc<Round>>,
        standing: Standing,
        came_back: bool,
        credential: BoxFuture<'static, End>,
        place: SemaphorePermit<'static>,
    ) -> Self {
        let Standing { now, known, changed } = standing;
        let first = if came_back { notices(&known, &changed, &now) } else { state(&known, &now) };
        let waiting = Some(format!("{OPENING}{first}"));
        let beats_at = Instant::now() + HEARTBEAT;
        Self { who, db, news, known, seen: now, waiting, beats_at, credential, _place: place }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, async |mut watch| {
            let next = watch.next().await?;
            watch.beats_at = Instant::now() + HEARTBEAT;
            Some((Ok(Bytes::from(next)), watch))
        })
    }

    /// What is sent next; `None` ends the stream.
    async fn next(&mut self) -> Option<String> {
        if let Some(waiting) = self.waiting.take() {
            return Some(waiting);
        }
        loop {
            let heard = tokio::select! {
                biased;
                _ended = &mut self.credential => return None,
                heard = self.news.recv() => heard,
                () = sleep_until(self.beats_at) => return Some(":\n\n".to_owned()),
            };
            let told = match heard {
                Ok(round) => match &round.changes {
                    Some(changes) => self.told(&round.seen, changes),
                    None => self.read().await?,
                },
                Err(RecvError::Lagged(_)) => self.read().await?,
                Err(RecvError::Closed) => return None,
            };
            if !told.is_empty() {
                return Some(told);
            }
        }
    }

    /// The notices of what concerns the client and is news to it.
    fn told(&mut self, seen: &Snapshot, changes: &[Change]) -> String {
        let mut changed = Vec::new();
        for Change { owner, namespace, version } in changes {
            let Some(part) = self.part(*owner) else { continue };
            if learn(&mut self.known, namespace, part, *version) && !changed.contains(namespace) {
                changed.push(namespace.clone());
            }
        }
        if !changed.is_empty() {
            self.seen = seen.clone();
        }
        notices(&self.known, &changed, seen)
    }

    fn part(&self, owner: Option<(OrgId, uuid::Uuid)>) -> Option<Part> {
        match owner {
            None => Some(Part::Namespace),
            Some((org, owner)) if owner == org.uuid() => Some(Part::Organization),
            Some((_, owner)) => (owner == self.who.1.uuid()).then_some(Part::User),
        }
    }

    /// Reads how all stands, since there was too much to be told one by one. When the
    /// database is away, the client comes back later.
    async fn read(&mut self) -> Option<String> {
        let (org, user) = self.who;
        let mut conn = self.db.connection().await.ok()?;
        let Standing { now, known, changed } =
            store::standing(&mut conn, org, user, Some(&self.seen)).await.ok()?;
        (self.known, self.seen) = (known, now);
        Some(notices(&self.known, &changed, &self.seen))
    }
}
