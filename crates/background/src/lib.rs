//! What a process of a service does beside answering requests, as its role says.

use std::{future::pending, io};

use events::Relay;
use futures_util::future::{OptionFuture, join};
use jobs::{Cron, Worker};
use service_kit::db::Db;

/// What runs beside the listeners: whatever of it there is.
#[derive(Debug)]
pub struct Background {
    db: Db,
    relay: Option<Relay>,
    worker: Option<Worker>,
    cron: Option<Cron>,
}

impl Background {
    /// Nothing yet, on a service's database.
    #[must_use]
    pub fn of(db: &Db) -> Self {
        Self { db: db.clone(), relay: None, worker: None, cron: None }
    }

    /// With what tells events to the other services.
    #[must_use]
    pub fn telling(self, relay: impl Into<Option<Relay>>) -> Self {
        Self { relay: relay.into(), ..self }
    }

    /// With what works off jobs.
    #[must_use]
    pub fn working(self, worker: impl Into<Option<Worker>>) -> Self {
        Self { worker: worker.into(), ..self }
    }

    /// With what starts jobs when they are due.
    #[must_use]
    pub fn scheduling(self, cron: impl Into<Option<Cron>>) -> Self {
        Self { cron: cron.into(), ..self }
    }

    /// Works until `stop` ends, then lets what runs finish.
    ///
    /// # Errors
    /// When something of it has died before: the process had better end.
    pub async fn run(self, stop: impl Future<Output = ()> + Clone) -> io::Result<()> {
        // Boxed: they are large, and whoever awaits this is one future for a process.
        let relay = OptionFuture::from(self.relay.map(|relay| Box::pin(relay.run(stop.clone()))));
        let worker = OptionFuture::from(self.worker.map(|worker| Box::pin(worker.run(stop.clone()))));
        let cron = async {
            match &self.cron {
                Some(cron) => cron.run(&self.db).await,
                None => pending().await,
            }
        };
        let until_stopped = async {
            join(relay, worker).await;
            stop.await;
        };
        tokio::select! {
            () = until_stopped => Ok(()),
            () = cron => Err(io::Error::other("nothing starts what is due any more")),
        }
    }
}
