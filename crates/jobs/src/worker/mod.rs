//! A worker: claims jobs, runs their handlers, ends them. All of it happens on the
//! thread that calls [`Worker::run`], so handlers need not be `Send`; one that computes
//! for long belongs on a blocking thread.

mod ack;
mod attempt;
mod board;
mod fetch;
mod listen;
mod upkeep;

use std::{rc::Rc, time::Duration};

use service_kit::db::Db;
use tokio::task::LocalSet;
use uuid::Uuid;

use crate::{Handlers, JobMetrics};
use board::Board;

/// How long a look at the queue may take to end once the process is asked to.
const IN_FLIGHT: Duration = Duration::from_secs(2);

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many jobs run at once; up to a quarter more while some were committed late.
    pub concurrency: usize,
    /// How long a job stays a worker's own after its last sign of life. A sign is given
    /// before half of it is over.
    pub lease: Duration,
    /// How long without a hint until the queue is looked at all the same.
    pub poll: Duration,
    /// How long running jobs may take to end once the process is asked to.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 32,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(8),
        }
    }
}

/// Runs the jobs of one service. Several share the load, in one process or many.
#[derive(Debug)]
pub struct Worker {
    db: Db,
    handlers: Handlers,
    options: Options,
    metrics: Option<JobMetrics>,
    name: String,
}

impl Worker {
    /// A worker with these handlers.
    #[must_use]
    pub fn new(db: Db, handlers: Handlers, options: Options) -> Self {
        let name = format!("{}/{}", std::process::id(), Uuid::now_v7().simple());
        Self { db, handlers, options, metrics: None, name }
    }

    /// Has it tell Prometheus.
    #[must_use]
    pub fn with_metrics(self, metrics: JobMetrics) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// Works until `stop` ends; then takes nothing new, lets what runs end within the
    /// grace, and gives the rest back to the queue. While the database is away it waits.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        LocalSet::new().run_until(self.work(stop)).await;
    }

    async fn work(self, stop: impl Future<Output = ()>) {
        let (board, endings) = Board::new(self.db, self.handlers, self.options, self.metrics, self.name);
        let board = Rc::new(board);
        tracing::info!(worker = %board.name, kinds = ?board.handlers.kinds(), "working");
        let acking = ack::run(&board, endings);
        let upkeep = async {
            tokio::join!(
                upkeep::renew(&board),
                upkeep::promote(&board),
                upkeep::expire(&board),
                upkeep::count(&board),
                listen::run(&board),
            )
        };
        let living = async {
            let stopping = async {
                stop.await;
                board.stop();
                // A look in flight may have claimed what nobody would run.
                tokio::time::sleep(IN_FLIGHT).await;
            };
            tokio::select! {
                () = stopping => {}
                _ = async { tokio::join!(fetch::run(&board), fetch::stragglers(&board)) } => {}
            }
            board.drain().await;
        };
        tokio::select! {
            () = living => {}
            () = acking => {}
            _ = upkeep => {}
        }
    }
}
