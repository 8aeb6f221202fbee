//! Events between services: a log, a relay, an inbox.
//!
//! [`publish`] writes an event into the service's own log, in the transaction that made
//! it true. A [`Relay`] pushes the log to every subscriber, in the order in which
//! transactions became visible and at least once. The subscriber's [`Inbox`] takes each
//! event once and handles it in a job of its own ([`Subscriptions`]), whose effects
//! commit together with the fact that it was handled: exactly once.

mod inbox;
mod prune;
mod publish;
mod relay;
mod schema;
mod settings;
mod store;
mod tokens;

pub use inbox::{Inbox, Subscriptions};
pub use prune::{Prune, prune};
pub use publish::{MOST_BYTES, publish};
pub use relay::{Relay, RelayError, hear_hints};
pub use settings::{Publishing, subscribers};
pub use tokens::{Issued, NoToken, Tokens};

use include_dir::{Dir, include_dir};
use service_kit::db::Hints;

/// The tables of the log and of the inbox, for a service's catalogue of migrations.
pub static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// Wakes relays.
static HINTS: Hints = Hints::on("plinth_events");
