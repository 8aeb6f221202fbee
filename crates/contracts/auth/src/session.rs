use ids::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// What a login or a refresh gives.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// A JWT for `Authorization: Bearer`.
    #[schema(value_type = String)]
    pub access_token: Secret,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// How long the access token is good for, seconds.
    #[schema(example = 300)]
    pub expires_in: i64,
    /// Gives the next pair, once.
    #[schema(value_type = String)]
    pub refresh_token: Secret,
    /// How long the session lasts without being used, seconds.
    #[schema(example = 2_592_000)]
    pub refresh_expires_in: i64,
}

/// What a first proof gives: all, or the right to the second step.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum LoginReply {
    /// Logged in.
    Tokens(Tokens),
    /// Not yet: a second factor is wanted.
    SecondFactor(SecondFactorRequired),
}

impl LoginReply {
    /// The tokens, if it took no second factor.
    #[must_use]
    pub fn tokens(self) -> Option<Tokens> {
        match self {
            Self::Tokens(tokens) => Some(tokens),
            Self::SecondFactor(_) => None,
        }
    }
}

/// A second factor is wanted before there are tokens.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SecondFactorRequired {
    /// Always true.
    #[schema(example = true)]
    pub mfa_required: bool,
    /// For `POST /api/v1/auth/mfa/verify`, and for nothing else.
    #[schema(value_type = String)]
    pub mfa_token: Secret,
    /// How long that is good for, seconds.
    #[schema(example = 600)]
    pub expires_in: i64,
    /// What will do: `totp`, `recovery_code`.
    #[schema(example = json!(["totp", "recovery_code"]))]
    pub methods: Vec<String>,
}

/// Asks for the next pair of tokens.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token of the pair before.
    #[schema(value_type = String)]
    pub refresh_token: Secret,
}

/// One login on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The client as it described itself at login.
    #[schema(example = "Mozilla/5.0")]
    pub user_agent: Option<String>,
    /// The address that the login came from.
    #[schema(example = "203.0.113.7")]
    pub ip: Option<String>,
    /// When the login was.
    pub created_at: Timestamp,
    /// When it last got new tokens.
    pub last_used_at: Timestamp,
    /// When it ends, used or not.
    pub expires_at: Timestamp,
}

/// A page of sessions, the latest login first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// The sessions.
    pub data: Vec<Session>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
}
