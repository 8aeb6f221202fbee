//! prefs as its callers see it: over HTTP, on a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod changes;
mod command;
mod concurrency;
mod document;
mod events;
mod experiments;
mod flag_evaluation;
mod flags;
mod history;
mod keyed;
mod migration;
mod namespace;
mod organization;
mod personal;
mod refusals;
mod spawn;
