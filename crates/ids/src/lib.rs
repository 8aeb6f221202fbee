//! Typed, readable ids and instants: the words that every contract shares.
//!
//! An id is a UUIDv7 with a type: `usr_01h455vb4pex5vsknk084sn02q` as text (a
//! [TypeID](https://github.com/jetify-com/typeid)), a plain `uuid` in the
//! database, and `Id<User>` in Rust, so that one kind is never taken for another.

mod base32;
#[cfg(feature = "diesel")]
mod diesel_impls;
mod id;
mod timestamp;

pub use id::{Id, Kind, ParseIdError};
pub use timestamp::Timestamp;

/// The kind of a person's id.
#[derive(Debug)]
pub enum User {}

impl Kind for User {
    const PREFIX: &'static str = "usr";
    const NAME: &'static str = "UserId";
}

/// The kind of an organisation's id.
#[derive(Debug)]
pub enum Organization {}

impl Kind for Organization {
    const PREFIX: &'static str = "org";
    const NAME: &'static str = "OrgId";
}

/// The kind of a login session's id.
#[derive(Debug)]
pub enum Session {}

impl Kind for Session {
    const PREFIX: &'static str = "ses";
    const NAME: &'static str = "SessionId";
}

/// The kind of an API key's id.
#[derive(Debug)]
pub enum ApiKey {}

impl Kind for ApiKey {
    const PREFIX: &'static str = "key";
    const NAME: &'static str = "ApiKeyId";
}

/// Says *who*: the person that acts.
pub type UserId = Id<User>;

/// Says *whose*: the organisation that owns what is acted on.
pub type OrgId = Id<Organization>;

/// One login of one person on one device.
pub type SessionId = Id<Session>;

/// One API key; its secret is never part of it.
pub type ApiKeyId = Id<ApiKey>;
