//! What an event is: a fact that a service tells the others, typed by its contract.
//!
//! A contract declares its events as structs that implement [`Event`] and lists them
//! in a catalogue of [`EventType`]s. `events` writes them into the publisher's log
//! and carries them as [`Envelope`]s.

mod catalogue;
mod envelope;

pub use catalogue::EventType;
pub use envelope::{Batch, Envelope, Received};

use ids::{Id, Kind, OrgId};
use serde::{Serialize, de::DeserializeOwned};

/// A fact that a service publishes. It evolves by addition only: receivers ignore
/// fields that they do not know, and new fields have defaults.
///
/// The log is kept for months and read by every service that asks, so an event holds
/// ids and what receivers need to act, never a secret and no more about a person than
/// that.
pub trait Event: Serialize + DeserializeOwned + utoipa::ToSchema + 'static {
    /// Its name: `<noun>.<past participle>`, such as `user.created`.
    const TYPE: &'static str;
    /// One sentence for the catalogue.
    const DESCRIPTION: &'static str;
    /// Whether customers may have it delivered to their own endpoints.
    const PUBLIC: bool;

    /// Whose it is; `None` for the platform's own.
    fn org(&self) -> Option<OrgId>;

    /// What it is about: the id of the one thing whose events keep their order. The
    /// publisher writes (or locks) that thing's row before it publishes.
    fn aggregate(&self) -> String;

    /// The version of the aggregate after the fact; grows with every event of it.
    fn version(&self) -> i64;

    /// What the catalogue shows.
    fn example() -> Self;
}

/// Where a service takes events of others: `POST` on its internal listener.
#[must_use]
pub fn inbox_path(service: &str) -> String {
    format!("/internal/v1/{service}/events")
}

/// Where a service lists the types that it publishes: `GET` on its internal listener.
#[must_use]
pub fn catalogue_path(service: &str) -> String {
    format!("/internal/v1/{service}/event-types")
}

/// An id for examples: `usr_01h455vb4pex5vsknk084sn02q`.
#[must_use]
pub const fn example_id<K: Kind>() -> Id<K> {
    Id::from_uuid(uuid::Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057))
}
