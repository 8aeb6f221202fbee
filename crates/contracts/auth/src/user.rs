use ids::{OrgId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::{Secret, account::present};

/// A user as those who administer see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The address that they log in with.
    #[schema(example = "ada@example.com")]
    pub email: String,
    /// Whether they have shown that the address is theirs.
    pub email_verified: bool,
    /// What to call them.
    #[schema(example = "Ada Lovelace")]
    pub name: Option<String>,
    /// `USER`, `RESELLER`, `ADMIN`.
    #[schema(example = json!(["USER"]))]
    pub roles: Vec<String>,
    /// Since when they are banned, if they are.
    pub banned_at: Option<Timestamp>,
    /// Why.
    #[schema(example = "sends spam")]
    pub ban_reason: Option<String>,
    /// When the account goes, if they want it gone.
    pub delete_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A page of users, the latest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// The users.
    pub data: Vec<User>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

/// Which users are wanted; what is absent narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// How the address begins; its case does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Who has this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Who is banned, or is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banned: Option<bool>,
    /// Whose address is verified, or is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// Whose account was made at this instant or after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_after: Option<Timestamp>,
    /// Whose account was made before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Timestamp>,
    /// How many users at most, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// All that those who administer see of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserDetails {
    /// What the list shows.
    #[serde(flatten)]
    pub user: User,
    /// A language tag (BCP 47).
    #[schema(example = "en-GB")]
    pub locale: Option<String>,
    /// A name of the IANA time zone database.
    #[schema(example = "Europe/London")]
    pub time_zone: Option<String>,
    /// What the front end keeps about the person, who writes it.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// What the application keeps about the person, who reads it.
    #[schema(value_type = Object)]
    pub app_metadata: Map<String, Value>,
    /// In how many sessions they are logged in.
    #[schema(minimum = 0, example = 2)]
    pub sessions: i64,
    /// When one of those last got new tokens.
    pub last_seen_at: Option<Timestamp>,
    /// How many API keys they have.
    #[schema(minimum = 0, example = 1)]
    pub api_keys: i64,
    /// Where they are members, their personal organisation first.
    pub organizations: Vec<UserOrganization>,
}

/// An organisation of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserOrganization {
    /// Which.
    pub id: OrgId,
    /// What it is called.
    #[schema(example = "Ada Lovelace")]
    pub name: String,
    /// What the user is in it.
    #[schema(example = "owner")]
    pub role: String,
    /// Whether it is their personal one, which goes with them.
    pub personal: bool,
}

/// Changes a user: what is absent stays, `null` clears.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// What to call them; at most 200 characters.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "Ada")]
    pub name: Option<Option<String>>,
    /// Whether the address is known to be theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Replaces what the application keeps about them as a whole; at most 16 KiB as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub app_metadata: Option<Map<String, Value>>,
}

/// Bans a user.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// Why, for others who administer; the user never sees it.
    #[schema(example = "sends spam", min_length = 1, max_length = 500)]
    pub reason: String,
}

/// The roles of a user; `USER` is always among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// `USER`, `RESELLER`, `ADMIN`.
    #[schema(example = json!(["ADMIN", "USER"]))]
    pub roles: Vec<String>,
}

/// Replaces the caller's password.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The one that holds until now.
    #[schema(value_type = String, format = Password, example = "correct horse battery staple")]
    pub current_password: Secret,
    /// The one that shall hold: at least 15 characters.
    #[schema(value_type = String, format = Password, example = "nine blue foxes dance", min_length = 15, max_length = 1024)]
    pub new_password: Secret,
}
