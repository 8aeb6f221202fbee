//! Events between services: a log in commit order, a relay, an inbox.

mod hint;
mod inbox;
mod publish;
mod relay;
mod schema;
mod store;
mod tokens;

pub use inbox::{Inbox, Subscriptions, forget};
pub use publish::{MOST_BYTES, publish};
pub use relay::{Relay, RelayError};
pub use tokens::{Issued, NoToken, Tokens};

use include_dir::{Dir, include_dir};

/// The tables of the log and of the inbox, for a service's catalogue of migrations.
pub static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");
