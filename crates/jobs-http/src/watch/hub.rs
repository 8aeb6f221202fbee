//! Who watches which job. All watchers on one thread of the server share one look into
//! the database, however many they are.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    time::Duration,
};

use actix_web::{rt, web::Data};
use ids::JobId;
use jobs::Stored;
use service_kit::{db::Db, http::Readiness};
use tokio::sync::watch::{self, Receiver, Sender};

/// How often jobs that are watched are looked at.
const EVERY: Duration = Duration::from_millis(500);

/// The jobs that are watched on one thread.
#[derive(Default)]
pub(crate) struct Hub {
    watched: RefCell<HashMap<JobId, Sender<Rc<Stored>>>>,
    /// Whether somebody looks.
    looking: Cell<bool>,
}

/// Watches `job`, which was just read. The receiver ends when the process drains.
pub(super) fn watch(
    hub: &Data<Hub>,
    db: &Data<Db>,
    readiness: &Data<Readiness>,
    job: Stored,
) -> Receiver<Rc<Stored>> {
    let news = hub.subscribe(job);
    if !hub.looking.replace(true) {
        // It ends by itself when nobody watches any more.
        drop(rt::spawn(look(hub.clone(), db.clone(), readiness.clone())));
    }
    news
}

impl Hub {
    fn subscribe(&self, job: Stored) -> Receiver<Rc<Stored>> {
        let mut watched = self.watched.borrow_mut();
        let sender = watched.entry(job.id).or_insert_with(|| watch::Sender::new(Rc::new(job.clone())));
        tell(sender, job);
        sender.subscribe()
    }

    /// What is watched, and how it looked last.
    fn seen(&self) -> Vec<(JobId, i64)> {
        let mut watched = self.watched.borrow_mut();
        watched.retain(|_, sender| sender.receiver_count() > 0);
        watched.iter().map(|(id, sender)| (*id, sender.borrow().progress_seq)).collect()
    }

    fn hear(&self, changed: Vec<Stored>) {
        let watched = self.watched.borrow();
        for job in changed {
            if let Some(sender) = watched.get(&job.id) {
                tell(sender, job);
            }
        }
    }
}

/// Tells watchers, unless they know of something later.
fn tell(sender: &Sender<Rc<Stored>>, job: Stored) {
    sender.send_if_modified(|known| {
        let news = job.progress_seq > known.progress_seq;
        if news {
            *known = Rc::new(job);
        }
        news
    });
}

/// Looks as long as anything is watched, or until the process drains.
async fn look(hub: Data<Hub>, db: Data<Db>, readiness: Data<Readiness>) {
    let mut failing = false;
    loop {
        rt::time::sleep(EVERY).await;
        if readiness.is_draining() {
            hub.watched.borrow_mut().clear();
        }
        let seen = hub.seen();
        if seen.is_empty() {
            hub.looking.set(false);
            return;
        }
        let looked = jobs::changed(&db, &seen).await;
        match &looked {
            Err(why) if !failing => tracing::warn!(%why, "jobs that are watched cannot be looked at"),
            Ok(_) if failing => tracing::info!("jobs that are watched can be looked at again"),
            _ => {}
        }
        failing = looked.is_err();
        hub.hear(looked.unwrap_or_default());
    }
}
