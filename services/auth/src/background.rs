use background::Background;
use events::{Relay, Tokens};
use jobs::{Cron, Handlers, JobMetrics, RotateHistory, Worker};
use observability::Metrics;
use service_kit::db::Db;

use crate::{
    BuildError, Settings, attempt::TellLocked, deletion::DeleteAccount, export, proof::SendLink,
    prune::Prune, token::TokenIssuer,
};

/// What a process does beside answering requests, as its role says.
pub(crate) fn background(
    settings: &Settings,
    db: &Db,
    issuer: TokenIssuer,
    metrics: &Metrics,
) -> Result<Background, BuildError> {
    let mut background = Background::of(db);
    if settings.role.works() {
        let sources = export::Sources::new(settings, db, issuer.clone())?;
        let relay = relay(settings, db, issuer, metrics)?;
        background = background.telling(relay).working(worker(db, sources, metrics)?);
    }
    if settings.role.schedules() {
        background = background.scheduling(cron()?);
    }
    Ok(background)
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
