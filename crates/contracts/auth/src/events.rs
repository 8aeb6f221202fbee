//! What auth tells the other services. An event holds ids: whoever needs more of a
//! person asks auth.

mod organization;

pub use organization::{
    MembershipCreated, MembershipDeleted, MembershipUpdated, OrganizationUpdated, ResourcePermissionsChanged,
};

use contract_events::{Event, EventType, example_id};
use ids::{ExportId, GrantId, MailId, OrgId, SessionId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::MailKind;

/// All types of events that auth publishes.
#[must_use]
pub fn catalogue() -> Vec<EventType> {
    vec![
        EventType::of::<UserCreated>(),
        EventType::of::<UserUpdated>(),
        EventType::of::<UserReregistered>(),
        EventType::of::<UserDeleted>(),
        EventType::of::<UserExportReady>(),
        EventType::of::<OrganizationCreated>(),
        EventType::of::<OrganizationUpdated>(),
        EventType::of::<OrganizationDeleted>(),
        EventType::of::<MembershipCreated>(),
        EventType::of::<MembershipUpdated>(),
        EventType::of::<MembershipDeleted>(),
        EventType::of::<ResourcePermissionsChanged>(),
        EventType::of::<SessionRevoked>(),
        EventType::of::<GrantRevoked>(),
        EventType::of::<MailRequested>(),
    ]
}

/// There is a new user, with an organisation of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserCreated {
    /// Who.
    pub user_id: UserId,
    /// Their personal organisation.
    pub org_id: OrgId,
    /// Grows with every event of the user.
    #[schema(example = 1)]
    pub version: i64,
}

impl Event for UserCreated {
    const TYPE: &'static str = "user.created";
    const DESCRIPTION: &'static str = "A person registered, or an operator made their account.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.user_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { user_id: example_id(), org_id: example_id(), version: 1 }
    }
}

/// Something about a user is not what it was; what it is now, auth tells who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserUpdated {
    /// Who.
    pub user_id: UserId,
    /// Their personal organisation.
    pub org_id: OrgId,
    /// `profile`, `password`, `roles`, `banned`, `unbanned`, `email`, `email_verified`,
    /// `second_factor`, `deletion_scheduled`, `deletion_cancelled`; others may be added.
    #[schema(example = "profile")]
    pub changed: String,
    /// Grows with every event of the user.
    #[schema(example = 2)]
    pub version: i64,
}

impl Event for UserUpdated {
    const TYPE: &'static str = "user.updated";
    const DESCRIPTION: &'static str = "A user's profile, roles, password or standing changed.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.user_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { user_id: example_id(), org_id: example_id(), changed: "profile".to_owned(), version: 2 }
    }
}

/// Somebody tried to register a user's address again: its owner is to be told, and
/// nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserReregistered {
    /// Whose address it is.
    pub user_id: UserId,
    /// Their personal organisation.
    pub org_id: OrgId,
    /// Grows with every event of the user.
    #[schema(example = 3)]
    pub version: i64,
}

impl Event for UserReregistered {
    const TYPE: &'static str = "user.reregistered";
    const DESCRIPTION: &'static str = "Somebody tried to register an address that has an account.";
    const PUBLIC: bool = false;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.user_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { user_id: example_id(), org_id: example_id(), version: 3 }
    }
}

/// A user is gone, and with them their sessions, keys and personal organisation. Whoever
/// holds something of theirs, in any organisation, erases it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserDeleted {
    /// Who.
    pub user_id: UserId,
    /// What was their personal organisation.
    pub org_id: OrgId,
    /// Grows with every event of the user.
    #[schema(example = 4)]
    pub version: i64,
}

impl Event for UserDeleted {
    const TYPE: &'static str = "user.deleted";
    const DESCRIPTION: &'static str = "A user was deleted: whatever is theirs is to be erased.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.user_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { user_id: example_id(), org_id: example_id(), version: 4 }
    }
}

/// All that is held about a user was gathered: they may download it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserExportReady {
    /// About whom.
    pub user_id: UserId,
    /// Their personal organisation.
    pub org_id: OrgId,
    /// Which export.
    pub export_id: ExportId,
    /// Grows with every event of the user.
    #[schema(example = 5)]
    pub version: i64,
}

impl Event for UserExportReady {
    const TYPE: &'static str = "user.export_ready";
    const DESCRIPTION: &'static str =
        "All that is held about a user was gathered, for them alone to download.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.user_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { user_id: example_id(), org_id: example_id(), export_id: example_id(), version: 5 }
    }
}

/// There is a new organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganizationCreated {
    /// Which.
    pub org_id: OrgId,
    /// Who owns it.
    pub owner_id: UserId,
    /// Whether it is the owner's personal one, which goes with them.
    pub personal: bool,
    /// Grows with every event of the organisation.
    #[schema(example = 1)]
    pub version: i64,
}

impl Event for OrganizationCreated {
    const TYPE: &'static str = "organization.created";
    const DESCRIPTION: &'static str = "An organisation was made.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.org_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { org_id: example_id(), owner_id: example_id(), personal: true, version: 1 }
    }
}

/// An organisation is gone: whoever holds something of it erases that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganizationDeleted {
    /// Which.
    pub org_id: OrgId,
    /// Grows with every event of the organisation.
    #[schema(example = 2)]
    pub version: i64,
}

impl Event for OrganizationDeleted {
    const TYPE: &'static str = "organization.deleted";
    const DESCRIPTION: &'static str = "An organisation was deleted: whatever is its own is to be erased.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.org_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { org_id: example_id(), version: 2 }
    }
}

/// A session ended before its time. Its tokens are refused sooner than this arrives: by
/// the feed of revocations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionRevoked {
    /// Which.
    pub session_id: SessionId,
    /// Whose it was.
    pub user_id: UserId,
    /// In which organisation they were logged in.
    pub org_id: OrgId,
    /// `logout`, `ended by the user`, `refresh_token_reused`, `password change`, `password
    /// reset`, `mailbox proven`, `ban`, `deletion scheduled`; others may be added.
    #[schema(example = "logout")]
    pub reason: String,
}

impl Event for SessionRevoked {
    const TYPE: &'static str = "session.revoked";
    const DESCRIPTION: &'static str =
        "A session was ended: by its user, a ban, a new password or a reused token.";
    const PUBLIC: bool = false;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.session_id.to_string()
    }

    /// It ends once.
    fn version(&self) -> i64 {
        1
    }

    fn example() -> Self {
        let (session_id, user_id, org_id) = (example_id(), example_id(), example_id());
        Self { session_id, user_id, org_id, reason: "logout".to_owned() }
    }
}

/// A grant is no more: the work that it was for ends. Its tokens are refused sooner than
/// this arrives. Those that go with a membership, a user, an organisation or an API key are
/// not told one by one, nor those that end in time: the next token is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantRevoked {
    /// Which.
    pub grant_id: GrantId,
    /// In whose name it was.
    pub user_id: UserId,
    /// In which organisation.
    pub org_id: OrgId,
    /// Which service held it.
    #[schema(example = "agents")]
    pub service: String,
    /// What the work is, in the service's words.
    #[schema(example = "exe_01h455vb4pex5vsknk084sn02q")]
    pub reference: String,
}

impl Event for GrantRevoked {
    const TYPE: &'static str = "grant.revoked";
    const DESCRIPTION: &'static str = "A person took a grant back, or the service that held it gave it back.";
    const PUBLIC: bool = false;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.grant_id.to_string()
    }

    /// It ends once.
    fn version(&self) -> i64 {
        1
    }

    fn example() -> Self {
        let (grant_id, user_id, org_id) = (example_id(), example_id(), example_id());
        Self { grant_id, user_id, org_id, service: "agents".to_owned(), reference: "exe_1".to_owned() }
    }
}

/// A mail is to be sent. What it says, and to whom, auth tells the mail service that asks
/// with the id: neither addresses nor one-time tokens are in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailRequested {
    /// Which: for `GET /internal/v1/auth/mails/{id}`.
    pub mail_id: MailId,
    /// What it is about.
    pub kind: MailKind,
    /// The organisation that it is about, or the user's personal one.
    pub org_id: Option<OrgId>,
}

impl Event for MailRequested {
    const TYPE: &'static str = "mail.requested";
    const DESCRIPTION: &'static str = "A mail is to be sent; its text is asked for with the id.";
    const PUBLIC: bool = false;

    fn org(&self) -> Option<OrgId> {
        self.org_id
    }

    fn aggregate(&self) -> String {
        self.mail_id.to_string()
    }

    /// It is asked for once.
    fn version(&self) -> i64 {
        1
    }

    fn example() -> Self {
        Self { mail_id: example_id(), kind: MailKind::VerifyEmail, org_id: Some(example_id()) }
    }
}
