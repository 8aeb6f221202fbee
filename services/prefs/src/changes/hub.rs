use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ids::OrgId;
use tokio::{
    sync::{
        Notify,
        broadcast::{self, Receiver, Sender},
        watch,
    },
    time::timeout,
};

use super::{
    ChangesError,
    rules::Snapshot,
    store::{Change, News},
};

/// How many rounds wait for a slow client. One that is further behind reads how all stands.
const BEHIND: usize = 16;

/// How long somebody who comes waits until changes are followed.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an organisation's watchers are told at once.
#[derive(Debug)]
pub(super) struct Round {
    /// What was visible then.
    pub(super) seen: Snapshot,
    /// `None` when it was too much: read how all stands.
    pub(super) changes: Option<Vec<Change>>,
}

/// Who watches, by organisation. No client's slowness takes memory.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    rooms: Mutex<Rooms>,
    followed: watch::Sender<bool>,
    /// Somebody came.
    pub(super) came: Notify,
}

#[derive(Debug, Default)]
struct Rooms {
    open: HashMap<OrgId, Sender<Arc<Round>>>,
    /// The process drains.
    closed: bool,
}

impl Hub {
    /// Hears what changes in the organisation from now on, once changes are followed.
    pub(super) async fn watch(&self, org: OrgId) -> Result<Receiver<Arc<Round>>, ChangesError> {
        let mut followed = self.followed.subscribe();
        let is_followed = timeout(PATIENCE, followed.wait_for(|followed| *followed)).await;
        if !matches!(is_followed, Ok(Ok(_))) {
            return Err(ChangesError::NotFollowed);
        }
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.closed {
            // Its sender is gone at once: a stream that ends as it begins.
            return Ok(broadcast::channel(1).1);
        }
        let receiver = rooms.open.entry(org).or_insert_with(|| Sender::new(BEHIND)).subscribe();
        self.came.notify_one();
        Ok(receiver)
    }

    /// From now on nothing is missed.
    pub(super) fn begin(&self) {
        self.followed.send_replace(true);
    }

    /// Whether anybody watches.
    pub(super) fn is_watched(&self) -> bool {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.open.retain(|_, room| room.receiver_count() > 0);
        !rooms.open.is_empty()
    }

    /// Tells each organisation's watchers what concerns them.
    pub(super) fn tell(&self, news: &News) {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of_org: HashMap<OrgId, Vec<Change>> = HashMap::new();
        for change in news.changes.iter().flatten() {
            match change.owner {
                Some((org, _)) if rooms.open.contains_key(&org) => {
                    of_org.entry(org).or_default().push(change.clone());
                }
                Some(_) => {}
                None => {
                    rooms.open.keys().for_each(|org| of_org.entry(*org).or_default().push(change.clone()))
                }
            }
        }
        for (org, room) in &rooms.open {
            let changes = match news.changes {
                Some(_) => of_org.remove(org).map(Some),
                None => Some(None),
            };
            if let Some(changes) = changes {
                // Without a receiver it is nobody's.
                let _ = room.send(Arc::new(Round { seen: news.seen.clone(), changes }));
            }
        }
    }

    /// Ends all streams, also of those who come.
    pub(crate) fn close(&self) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        *rooms = Rooms { closed: true, ..Rooms::default() };
    }
}
