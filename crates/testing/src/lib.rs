//! What the tests of services share: a database of their own, tokens as the
//! gateway mints them, and plain HTTP.
//!
//! `cargo xtask test` starts the one PostgreSQL and Redis of a test run and names
//! them in the environment; a test that is run without says so.

mod database;
mod issuer;
mod settings;

pub use database::TestDatabase;
pub use issuer::{Issuer, Person};
pub use settings::{bin_dir, http, previous_bin_dir, redis_url, until_ready};
