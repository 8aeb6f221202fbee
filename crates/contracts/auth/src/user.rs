use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

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
