use ids::{OrgId, SessionId, Timestamp};
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

/// The cookie in which a browser carries its session. The prefix binds it to the one host,
/// to https and to every path (RFC 6265bis section 4.1.3.2).
pub const SESSION_COOKIE: &str = "__Host-plinth";

/// A session that a browser carries: the cookie [`SESSION_COOKIE`] is in the headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CookieSession {
    /// Which.
    pub session_id: SessionId,
    /// How long it lasts without being used, seconds.
    #[schema(example = 2_592_000)]
    pub expires_in: i64,
}

/// What a client goes on with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum SessionReply {
    /// A pair of tokens.
    Tokens(Tokens),
    /// The cookie in the headers.
    Cookie(CookieSession),
}

/// What a first proof gives: all, or the right to the second step.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum LoginReply {
    /// Logged in.
    Tokens(Tokens),
    /// Logged in: the cookie is in the headers.
    Cookie(CookieSession),
    /// Not yet: a second factor is wanted.
    SecondFactor(SecondFactorRequired),
}

impl LoginReply {
    /// The tokens, if it took no second factor.
    #[must_use]
    pub fn tokens(self) -> Option<Tokens> {
        match self {
            Self::Tokens(tokens) => Some(tokens),
            Self::Cookie(_) | Self::SecondFactor(_) => None,
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

/// A session that acts in another organisation from now on. Its refresh token, or its cookie,
/// stays the one that the client has.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SwitchedOrg {
    /// Where it acts.
    pub org_id: OrgId,
    /// A JWT for `Authorization: Bearer`; `null` for a session that a browser carries.
    #[schema(value_type = Option<String>)]
    pub access_token: Option<Secret>,
    /// How long the access token is good for, seconds.
    #[schema(example = 300)]
    pub expires_in: Option<i64>,
}

/// One login on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Whether somebody who administers has it in the user's name.
    pub impersonation: bool,
    /// What the client seems to be.
    #[schema(example = "Firefox on Linux")]
    pub device: Option<String>,
    /// The client as it described itself at login.
    #[schema(example = "Mozilla/5.0")]
    pub user_agent: Option<String>,
    /// The address that the login came from.
    #[schema(example = "203.0.113.7")]
    pub ip: Option<String>,
    /// How the user proved who they are (RFC 8176): `pwd`, `mail`, `otp`, `mfa`.
    #[schema(example = json!(["pwd", "otp", "mfa"]))]
    pub methods: Vec<String>,
    /// When they last did.
    pub authenticated_at: Timestamp,
    /// When the login was.
    pub created_at: Timestamp,
    /// When it last got new tokens; of a cookie, when it was last used, to some minutes.
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
