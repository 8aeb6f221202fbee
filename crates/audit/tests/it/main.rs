//! The log as services write it and auth reads it, on a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod append_only;
mod merged;
mod record;
mod route;
mod spawn;
