use contract_auth::Client;
use events::{Relay, Tokens};
use futures_util::future::{OptionFuture, join};
use jobs::{Cron, CronError, Handlers, JobMetrics, RotateHistory, Worker};
use observability::Metrics;
use service_discovery::{Peer, Service};
use service_kit::db::Db;

use crate::{BuildError, Settings, erasure::Erase, history, migration::Migrate, subscriptions};

/// What a process does beside answering requests, as its role says.
pub(crate) struct Background {
    db: Db,
    relay: Option<Relay>,
    worker: Option<Worker>,
    cron: Option<Cron>,
}

impl Background {
    pub(crate) fn new(settings: &Settings, db: &Db, metrics: &Metrics) -> Result<Self, BuildError> {
        let (relay, worker) = match settings.role.works() {
            true => (relay(settings, db, metrics)?, Some(worker(settings, db, metrics)?)),
            false => (None, None),
        };
        let cron = settings.role.schedules().then(cron).transpose()?;
        Ok(Self { db: db.clone(), relay, worker, cron })
    }

    /// Works until `stop` ends, then lets what runs finish.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Clone) {
        let relay = OptionFuture::from(self.relay.map(|relay| Box::pin(relay.run(stop.clone()))));
        let worker = OptionFuture::from(self.worker.map(|worker| Box::pin(worker.run(stop.clone()))));
        let cron = async {
            match &self.cron {
                Some(cron) => cron.run(&self.db).await,
                None => std::future::pending().await,
            }
        };
        let until_stopped = async {
            join(relay, worker).await;
            stop.await;
        };
        tokio::select! {
            () = until_stopped => {}
            () = cron => {}
        }
    }
}

/// Tells prefs' events to the others, if anybody is to be told.
fn relay(settings: &Settings, db: &Db, metrics: &Metrics) -> Result<Option<Relay>, BuildError> {
    let Some(secret) = settings.publishing.secret.clone() else { return Ok(None) };
    let auth = Peer::new(settings.registry.internal(Service::Auth), &settings.registry.peer_options())?;
    let tokens = Tokens::from_auth(Client::new(auth), Service::Prefs, secret);
    let subscribers = &settings.publishing.subscribers;
    Ok(Some(Relay::new(db, subscribers, &settings.registry, &tokens, metrics)?))
}

fn worker(settings: &Settings, db: &Db, metrics: &Metrics) -> Result<Worker, BuildError> {
    let handlers = Handlers::new()
        .with::<RotateHistory>(db.clone())
        .with::<events::Prune>(db.clone())
        .with::<idempotency::Prune>(db.clone())
        .with::<history::Prune>((db.clone(), settings.retention))
        .with::<Migrate>(db.clone())
        .with::<Erase>(());
    let handlers = subscriptions().handled_by(handlers);
    let metrics = JobMetrics::new(metrics).map_err(|why| BuildError::Metrics(why.to_string()))?;
    Ok(Worker::new(db.clone(), handlers, jobs::Options::default()).with_metrics(metrics))
}

fn cron() -> Result<Cron, CronError> {
    Ok(Cron::new(vec![
        RotateHistory::schedule()?,
        events::Prune::default().nightly()?,
        idempotency::Prune::hourly()?,
        history::Prune::nightly()?,
    ]))
}
