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

/// The kind of a job's id.
#[derive(Debug)]
pub enum Job {}

impl Kind for Job {
    const PREFIX: &'static str = "job";
    const NAME: &'static str = "JobId";
}

/// The kind of an event's id.
#[derive(Debug)]
pub enum Event {}

impl Kind for Event {
    const PREFIX: &'static str = "evt";
    const NAME: &'static str = "EventId";
}

/// The kind of the id of an entry in the audit log.
#[derive(Debug)]
pub enum AuditEntry {}

impl Kind for AuditEntry {
    const PREFIX: &'static str = "aud";
    const NAME: &'static str = "AuditEntryId";
}

/// The kind of a one-time token's id.
#[derive(Debug)]
pub enum OneTimeToken {}

impl Kind for OneTimeToken {
    const PREFIX: &'static str = "ott";
    const NAME: &'static str = "OneTimeTokenId";
}

/// The kind of a mail's id.
#[derive(Debug)]
pub enum Mail {}

impl Kind for Mail {
    const PREFIX: &'static str = "mail";
    const NAME: &'static str = "MailId";
}

/// The kind of an invitation's id.
#[derive(Debug)]
pub enum Invitation {}

impl Kind for Invitation {
    const PREFIX: &'static str = "inv";
    const NAME: &'static str = "InvitationId";
}

/// The kind of the id of a grant: a leave for long-running work.
#[derive(Debug)]
pub enum Grant {}

impl Kind for Grant {
    const PREFIX: &'static str = "grt";
    const NAME: &'static str = "GrantId";
}

/// The kind of the id of an export of a person's data.
#[derive(Debug)]
pub enum Export {}

impl Kind for Export {
    const PREFIX: &'static str = "exp";
    const NAME: &'static str = "ExportId";
}

/// Says *who*: the person that acts.
pub type UserId = Id<User>;

/// Says *whose*: the organisation that owns what is acted on.
pub type OrgId = Id<Organization>;

/// One login of one person on one device.
pub type SessionId = Id<Session>;

/// One API key; its secret is never part of it.
pub type ApiKeyId = Id<ApiKey>;

/// One piece of background work.
pub type JobId = Id<Job>;

/// One fact that a service told the others; the same however often it is sent.
pub type EventId = Id<Event>;

/// One entry of the audit log.
pub type AuditEntryId = Id<AuditEntry>;

/// One proof that works once: what a mailed link carries.
pub type OneTimeTokenId = Id<OneTimeToken>;

/// One mail that is to be sent.
pub type MailId = Id<Mail>;

/// One invitation into an organisation.
pub type InvitationId = Id<Invitation>;

/// One leave that a person gave to long-running work.
pub type GrantId = Id<Grant>;

/// One collection of all that is held about a person.
pub type ExportId = Id<Export>;
