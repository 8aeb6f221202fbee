//! Acting once, as clients see it: over HTTP, on a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cost;
mod crash;
mod document;
mod keyring;
mod once;
mod race;
mod retention;
mod spawn;
mod thing;
