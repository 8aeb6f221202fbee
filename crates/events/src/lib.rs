//! Events between services: a log in commit order, a relay, an inbox.

mod hint;
mod publish;
mod schema;
mod store;

pub use publish::{MOST_BYTES, publish};

use include_dir::{Dir, include_dir};

/// The tables of the log and of the inbox, for a service's catalogue of migrations.
pub static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");
