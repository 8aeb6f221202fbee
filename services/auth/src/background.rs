use std::future::pending;

use events::{Relay, Tokens};
use futures_util::future::{OptionFuture, join};
use jobs::{Cron, Handlers, JobMetrics, RotateHistory, Worker};
use observability::Metrics;
use service_kit::db::Db;

use crate::{
    BuildError, Settings, attempt::TellLocked, deletion::DeleteAccount, export, proof::SendLink,
    prune::Prune, token::TokenIssuer,
};

/// What a process does beside answering requests, as its role says.
pub(crate) struct Background {
    db: Db,
    relay: Option<Relay>,
    worker: Option<Worker>,
    cron: Option<Cron>,
}

impl Background {
    pub(crate) fn new(
        settings: &Settings,
        db: &Db,
        issuer: TokenIssuer,
        metrics: &Metrics,
    ) -> Result<Self, BuildError> {
        let (relay, worker) = match settings.role.works() {
            true => {
                let sources = export::Sources::new(settings, db, issuer.clone())?;
                (Some(relay(settings, db, issuer, metrics)?), Some(worker(db, sources, metrics)?))
            }
            false => (None, None),
        };
        let cron = settings.role.schedules().then(cron).transpose()?;
        Ok(Self { db: db.clone(), relay, worker, cron })
    }

    /// Works until `stop` ends, then lets what runs finish.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Clone) {
        let relay = OptionFuture::from(self.relay.map(|relay| relay.run(stop.clone())));
        let worker = OptionFuture::from(self.worker.map(|worker| worker.run(stop.clone())));
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
            () = until_stopped => {}
            () = cron => {}
        }
    }
}

/// Tells auth's events to the others, with tokens that auth signs for itself.
fn relay(settings: &Settings, db: &Db, issuer: TokenIssuer, metrics: &Metrics) -> Result<Relay, BuildError> {
    let tokens = Tokens::by(async move |service| Ok(issuer.own(service)?));
    Ok(Relay::new(db, &settings.subscribers, &settings.registry, &tokens, metrics)?)
}

fn worker(db: &Db, sources: export::Sources, metrics: &Metrics) -> Result<Worker, BuildError> {
    let handlers = Handlers::new()
        .with::<RotateHistory>(db.clone())
        .with::<events::Prune>(db.clone())
        .with::<idempotency::Prune>(db.clone())
        .with::<SendLink>(())
        .with::<DeleteAccount>(())
        .with::<export::Gather>(sources)
        .with::<TellLocked>(())
        .with::<Prune>(db.clone());
    let metrics = JobMetrics::new(metrics).map_err(|why| BuildError::Metrics(why.to_string()))?;
    Ok(Worker::new(db.clone(), handlers, jobs::Options::default()).with_metrics(metrics))
}

fn cron() -> Result<Cron, jobs::CronError> {
    Ok(Cron::new(vec![
        RotateHistory::schedule()?,
        events::Prune::default().nightly()?,
        idempotency::Prune::hourly()?,
        Prune::hourly()?,
    ]))
}
