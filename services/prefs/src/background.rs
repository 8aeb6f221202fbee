use background::Background;
use jobs::{Cron, CronError, Handlers, JobMetrics, RotateHistory, Worker};
use observability::Metrics;
use service_kit::db::Db;

use crate::{BuildError, Settings, erasure::Erase, history, migration::Migrate, subscriptions};

/// What a process does beside answering requests, as its role says.
pub(crate) fn background(settings: &Settings, db: &Db, metrics: &Metrics) -> Result<Background, BuildError> {
    let mut background = Background::of(db);
    if settings.role.works() {
        let relay = settings.publishing.relay(db, &settings.registry, metrics)?;
        background = background.telling(relay).working(worker(settings, db, metrics)?);
    }
    if settings.role.schedules() {
        background = background.scheduling(cron()?);
    }
    Ok(background)
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
