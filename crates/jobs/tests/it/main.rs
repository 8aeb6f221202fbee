//! Jobs on a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod connections;
mod crash;
mod cron;
mod lanes;
mod leases;
mod queue;
mod spawn;
