use std::sync::Arc;

use egress::Egress;
use futures_util::future::{OptionFuture, pending};
use jobs::{Cron, CronError, Handlers, JobMetrics, RotateHistory, Worker};
use observability::Metrics;
use service_kit::db::Db;

use crate::{
    BuildError, Delivering, Settings,
    delivery::{Deliver, Recover, Repeat, Sender},
};

/// What a process does beside answering requests, as its role says.
pub(crate) struct Background {
    db: Db,
    worker: Option<Worker>,
    cron: Option<Cron>,
}

impl Background {
    pub(crate) fn new(
        settings: &Settings,
        db: &Db,
        egress: &Egress,
        metrics: &Metrics,
    ) -> Result<Self, BuildError> {
        let worker = settings.role.works().then(|| worker(settings, db, egress, metrics)).transpose()?;
        let cron = settings.role.schedules().then(cron).transpose()?;
        Ok(Self { db: db.clone(), worker, cron })
    }

    /// Works until `stop` ends, then lets what runs finish.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Clone) {
        let worker = OptionFuture::from(self.worker.map(|worker| Box::pin(worker.run(stop.clone()))));
        let cron = async {
            match &self.cron {
                Some(cron) => cron.run(&self.db).await,
                None => pending().await,
            }
        };
        let until_stopped = async {
            worker.await;
            stop.await;
        };
        tokio::select! {
            () = until_stopped => {}
            () = cron => {}
        }
    }
}

fn worker(settings: &Settings, db: &Db, egress: &Egress, metrics: &Metrics) -> Result<Worker, BuildError> {
    let Delivering { waits, concurrency } = settings.delivering.clone();
    let sender = Sender::new(db.clone(), egress.clone(), Arc::clone(&settings.keyring), waits);
    let handlers = Handlers::new()
        .with::<RotateHistory>(db.clone())
        .with::<idempotency::Prune>(db.clone())
        .with::<Deliver>(sender.clone())
        .with::<Repeat>(sender.clone())
        .with::<Recover>(sender);
    let options = jobs::Options { concurrency, ..jobs::Options::default() };
    let metrics = JobMetrics::new(metrics).map_err(|why| BuildError::Metrics(why.to_string()))?;
    Ok(Worker::new(db.clone(), handlers, options).with_metrics(metrics))
}

fn cron() -> Result<Cron, CronError> {
    Ok(Cron::new(vec![RotateHistory::schedule()?, idempotency::Prune::hourly()?]))
}
