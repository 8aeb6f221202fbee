use ids::{OrgId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// Asks to act in a user's name for a while.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Impersonate {
    /// Why, for the audit log.
    #[schema(example = "ticket 4711: an order does not show", min_length = 1, max_length = 500)]
    pub reason: String,
    /// For how long, 1 to 60 minutes; 15, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 15, minimum = 1, maximum = 60)]
    pub minutes: Option<u32>,
    /// In which of the user's organisations; their personal one, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
}

/// The right to act in a user's name. There is no refresh token: before its access token
/// ends, it gives another, as long as the impersonation lasts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Impersonation {
    /// The session that the user sees among theirs.
    pub session_id: SessionId,
    /// A JWT for `Authorization: Bearer`: `sub` is the user, `act.sub` the administrator.
    #[schema(value_type = String)]
    pub access_token: Secret,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// How long the access token is good for, seconds: 15 minutes at most.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// When the impersonation is over, whatever is renewed.
    pub ends_at: Timestamp,
}
