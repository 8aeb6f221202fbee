//! Jobs over HTTP: a service on ports of its own, with jobs out of a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod administrators;
mod document;
mod owners;
mod spawn;
mod watch;
