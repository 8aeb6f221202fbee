//! A POST that is sent twice acts once.
//!
//! A handler takes [`Idempotency`] and does its work in [`Idempotency::run`]: one
//! transaction that also holds the reply. With an `Idempotency-Key` header
//! ([draft-ietf-httpapi-idempotency-key-header]) a repetition gets that reply
//! again and changes nothing; without the header, `run` is just a transaction.
//!
//! [draft-ietf-httpapi-idempotency-key-header]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

mod document;
mod error;
mod key;
mod once;
mod prune;
mod record;
mod reply;
mod store;

pub use document::{Keyed, unkeyed_posts};
pub use key::{HEADER, Key};
pub use once::{Idempotency, REPLAYED};
pub use prune::Prune;
pub use reply::LARGEST;
pub use store::prune;

use include_dir::{Dir, include_dir};

/// The table of records, for the catalogue of a service that has such handlers.
pub static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");
