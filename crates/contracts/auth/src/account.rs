use ids::{OrgId, Timestamp, UserId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// Asks for an account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The address that the person logs in with; its case does not matter.
    #[schema(example = "ada@example.com", max_length = 254)]
    pub email: String,
    /// At least 15 characters; any characters, nothing is cut off.
    #[schema(value_type = String, format = Password, example = "correct horse battery staple", min_length = 15, max_length = 1024)]
    pub password: Secret,
    /// What to call the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ada Lovelace", max_length = 200)]
    pub name: Option<String>,
}

/// The answer to what is done later, if at all: always the same, so that nobody learns
/// from it who has an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// Always `accepted`.
    #[schema(example = "accepted")]
    pub status: String,
    /// What to do next.
    #[schema(example = "if the address had no account, it has one now: log in")]
    pub detail: String,
}

impl Accepted {
    /// With what to do next.
    #[must_use]
    pub fn of(detail: &str) -> Self {
        Self { status: "accepted".to_owned(), detail: detail.to_owned() }
    }
}

/// Proves who one is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The address of the account.
    #[schema(example = "ada@example.com")]
    pub email: String,
    /// Its password.
    #[schema(value_type = String, format = Password, example = "correct horse battery staple")]
    pub password: Secret,
}

/// The caller's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Who.
    pub id: UserId,
    /// The address that the person logs in with.
    #[schema(example = "ada@example.com")]
    pub email: String,
    /// Whether the person has shown that the address is theirs.
    pub email_verified: bool,
    /// What to call the person.
    #[schema(example = "Ada Lovelace")]
    pub name: Option<String>,
    /// A picture's https URL.
    #[schema(example = "https://example.com/ada.png")]
    pub avatar_url: Option<String>,
    /// A language tag (BCP 47).
    #[schema(example = "en-GB")]
    pub locale: Option<String>,
    /// A name of the IANA time zone database.
    #[schema(example = "Europe/London")]
    pub time_zone: Option<String>,
    /// Whatever the front end keeps about the person; at most 16 KiB as JSON.
    #[schema(value_type = Object)]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// What the application keeps about the person; only those who administer write it.
    #[schema(value_type = Object)]
    pub app_metadata: serde_json::Map<String, serde_json::Value>,
    /// `USER`, `RESELLER`, `ADMIN`.
    #[schema(example = json!(["USER"]))]
    pub roles: Vec<String>,
    /// The organisation that the credential acts in.
    pub org_id: OrgId,
    /// When the account goes, if its deletion waits: until then it can be restored.
    pub delete_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An account that is about to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduledDeletion {
    /// When it goes, with all that hangs on it; until then it can be restored.
    pub delete_at: Timestamp,
}

/// Changes the caller's account: what is absent stays, `null` clears.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// What to call the person; at most 200 characters.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "Ada")]
    pub name: Option<Option<String>>,
    /// A picture's https URL; at most 2048 characters.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "https://example.com/ada.png")]
    pub avatar_url: Option<Option<String>>,
    /// A language tag (BCP 47).
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "en-GB")]
    pub locale: Option<Option<String>>,
    /// A name of the IANA time zone database.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "Europe/London")]
    pub time_zone: Option<Option<String>>,
    /// Replaces the metadata as a whole; at most 16 KiB as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Tells `null` (clear it) from absent (leave it).
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
