use ids::{OrgId, Timestamp};
use serde::{Deserialize, Serialize};
use service_discovery::Service;

use crate::Scopes;

/// What a token says: the JWT profile for access tokens (RFC 9068) plus who acts
/// in which organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// Whom it speaks for: a user id, or `service:<name>`.
    pub sub: String,
    /// Who may accept it: exactly one.
    pub aud: String,
    /// Seconds since 1970 after which it is void.
    pub exp: i64,
    /// Seconds since 1970 at which it was made.
    pub iat: i64,
    /// Its own id, unique.
    pub jti: String,
    /// The one organisation that it acts in; absent in a service's own token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
    /// What it may do, separated by spaces (RFC 6749 section 3.3).
    #[serde(default)]
    pub scope: Scopes,
    /// The user's roles: `USER`, `RESELLER`, `ADMIN`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The version of the user's rights when it was made.
    #[serde(default)]
    pub ver: i64,
    /// The session or API key behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The version of that API key when it was made; a session has none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sver: i64,
    /// Seconds since 1970 at which the user last proved who they are (OpenID Connect Core
    /// section 2); absent where nobody logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How they did: the names of RFC 8176, such as `pwd`, `otp`, `mfa`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The most requests a minute that the API key behind it may make, if it has a limit
    /// of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u32>,
    /// Who acts in the user's name, when somebody does (RFC 8693 section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
}

/// Who acts in a user's name; the one before stands inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The one who acts.
    pub sub: String,
    /// On whose behalf that one was asked, if there is a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Claims {
    /// The service whose own token this is, if it is one.
    #[must_use]
    pub fn service(&self) -> Option<Service> {
        self.sub.strip_prefix("service:")?.parse().ok()
    }

    /// The `sub` of a service's own token.
    #[must_use]
    pub fn service_subject(service: Service) -> String {
        format!("service:{service}")
    }

    /// When it becomes void.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.exp).unwrap_or_else(Timestamp::now)
    }
}
