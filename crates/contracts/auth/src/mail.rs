use ids::{MailId, OrgId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Secret;

/// What a mail is about: which text the mail service writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// Somebody registered with this address: the link proves that it is theirs.
    VerifyEmail,
    /// Somebody registered again with this address: its owner may log in, or by the link
    /// set a new password.
    AlreadyRegistered,
    /// The link sets a new password.
    ResetPassword,
    /// The link logs in.
    MagicLink,
    /// The account is to have this address from now on: the link says that it is theirs.
    ConfirmNewEmail,
    /// To the address before: the account has another one now.
    EmailChanged,
    /// The password was changed.
    PasswordChanged,
    /// A second factor was switched on or off; `variables.enabled` says which.
    SecondFactorChanged,
    /// Somebody logged in on a device that was not seen before.
    NewDevice,
    /// The account was locked for a while after many wrong passwords or codes.
    AccountLocked,
    /// An organisation invites whoever has this address; the link accepts.
    Invitation,
    /// The account will be deleted at `variables.at`; a login until then can keep it.
    DeletionScheduled,
    /// What is held about the person can be downloaded until `variables.expires_at`, by who
    /// logs in: there is no link. `variables.export_id` says which export.
    ExportReady,
}

impl MailKind {
    /// The name, as JSON has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::AlreadyRegistered => "already_registered",
            Self::ResetPassword => "reset_password",
            Self::MagicLink => "magic_link",
            Self::ConfirmNewEmail => "confirm_new_email",
            Self::EmailChanged => "email_changed",
            Self::PasswordChanged => "password_changed",
            Self::SecondFactorChanged => "second_factor_changed",
            Self::NewDevice => "new_device",
            Self::AccountLocked => "account_locked",
            Self::Invitation => "invitation",
            Self::DeletionScheduled => "deletion_scheduled",
            Self::ExportReady => "export_ready",
        }
    }
}

/// A mail that is to be sent: what auth tells the mail service, which asks for it by the
/// id of a `mail.requested` event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Mail {
    /// Which.
    pub id: MailId,
    /// What it is about.
    pub kind: MailKind,
    /// Whom it goes to: an address.
    #[schema(example = "ada@example.com")]
    pub to: String,
    /// Whose account it is about, if it is about one.
    pub user_id: Option<UserId>,
    /// The organisation that it is about, or the user's personal one.
    pub org_id: Option<OrgId>,
    /// What the reader is to open. A kind that has one is not to be sent without: then it
    /// was used already, or is too old.
    #[schema(value_type = Option<String>)]
    pub link: Option<Secret>,
    /// The one-time token in the link, for who types it.
    #[schema(value_type = Option<String>)]
    pub token: Option<Secret>,
    /// Until when the link works.
    pub expires_at: Option<Timestamp>,
    /// What else the text needs: `name`, `locale`, and what the kind says.
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
    /// When it was asked for.
    pub created_at: Timestamp,
}
