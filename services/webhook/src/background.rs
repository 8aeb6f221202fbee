use std::sync::Arc;

use background::Background;
use egress::Egress;
use jobs::{Cron, CronError, Handlers, JobMetrics, RotateHistory, Worker};
use observability::Metrics;
use service_kit::db::Db;

use crate::{
    BuildError, Delivering, Settings,
    delivery::{Deliver, Recover, Repeat, Replay, Sender},
    erasure::Erase,
    retention, subscriptions,
};

/// What a process does beside answering requests, as its role says.
pub(crate) fn background(
    settings: &Settings,
    db: &Db,
    egress: &Egress,
    metrics: &Metrics,
) -> Result<Background, BuildError> {
    let mut background = Background::of(db);
    if settings.role.works() {
        let relay = settings.publishing.relay(db, &settings.registry, metrics)?;
        background = background.telling(relay).working(worker(settings, db, egress, metrics)?);
    }
    if settings.role.schedules() {
        background = background.scheduling(cron()?);
    }
    Ok(background)
}

fn worker(settings: &Settings, db: &Db, egress: &Egress, metrics: &Metrics) -> Result<Worker, BuildError> {
    let Delivering { waits, concurrency } = settings.delivering.clone();
    let sender = Sender::new(db.clone(), egress.clone(), Arc::clone(&settings.keyring), waits);
    let handlers = Handlers::new()
        .with::<RotateHistory>(db.clone())
        .with::<idempotency::Prune>(db.clone())
        .with::<Deliver>(sender.clone())
        .with::<Repeat>(sender.clone())
        .with::<Recover>(sender.clone())
        .with::<Replay>(sender)
        .with::<Erase>(db.clone())
        .with::<retention::Rotate>((db.clone(), settings.retention))
        .with::<events::Prune>(db.clone());
    let handlers = subscriptions().handled_by(handlers);
    let options = jobs::Options { concurrency, ..jobs::Options::default() };
    let metrics = JobMetrics::new(metrics).map_err(|why| BuildError::Metrics(why.to_string()))?;
    Ok(Worker::new(db.clone(), handlers, options).with_metrics(metrics))
}

fn cron() -> Result<Cron, CronError> {
    Ok(Cron::new(vec![
        RotateHistory::schedule()?,
        events::Prune::default().nightly()?,
        idempotency::Prune::hourly()?,
        retention::Rotate::nightly()?,
    ]))
}
