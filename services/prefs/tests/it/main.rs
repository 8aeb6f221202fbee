//! prefs as its callers see it: over HTTP, on a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod command;
mod concurrency;
mod document;
mod events;
mod namespace;
mod refusals;
mod spawn;
