//! Background work and schedules: rows in the service's own PostgreSQL.
//!
//! A [`Job`] is a typed payload with a handler. [`enqueue`] takes the caller's
//! connection, so that a job is there if and only if its cause committed. A [`Worker`]
//! claims jobs under leases, runs their handlers, and ends them; a handler commits its
//! effects together with that through its [`Run`], so that they happen exactly once. A
//! [`Cron`] turns schedules into jobs.

mod cron;
mod effect;
mod enqueue;
mod handlers;
mod history;
mod job;
mod lane;
mod metrics;
#[cfg(test)]
mod model;
mod operate;
mod run;
mod schema;
mod store;
mod told;
mod worker;

use include_dir::{Dir, include_dir};
use service_kit::db::Hints;

pub use contract_jobs::Progress;
pub use cron::{Cron, CronError, Missed, Schedule};
pub use effect::Effect;
pub use enqueue::{EnqueueError, Enqueued, NewJob, enqueue, enqueue_all};
pub use handlers::Handlers;
pub use history::RotateHistory;
pub use job::{Done, Failure, Job, Lane, Policy, Priority};
pub use metrics::JobMetrics;
pub use operate::{cancel, cancel_in, changed, counts, find, find_all_in, find_in, list, replay, replay_in};
pub use run::Run;
pub use store::{Cancelled, Count, Filter, Replayed, Stored};
pub use worker::{Options, Worker};

/// The tables of jobs, for a service's catalogue of migrations.
pub static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// What the guide shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/write-a-job.md")]
struct Guide;

/// Wakes workers.
static HINTS: Hints = Hints::on("jobs");
