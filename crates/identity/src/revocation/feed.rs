use std::time::Duration;

use ids::{ApiKeyId, GrantId, SessionId, UserId};
use serde::{Deserialize, Serialize};
use service_discovery::{CallError, Peer, PeerOptions, Registry, Service};

/// Where auth serves the feed, on its internal listener.
pub const REVOCATIONS_PATH: &str = "/internal/v1/auth/revocations";

/// A fact: tokens of `subject` are void. It may be heard twice, and in any order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// A user, session, API key or grant, as `sub` or `sid` of its tokens say it.
    pub subject: String,
    /// Tokens that carry a lower version are void; without one, all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl Revocation {
    /// Of the user's tokens that were made before their rights had this version.
    #[must_use]
    pub fn of_user(user: UserId, version: i64) -> Self {
        Self { subject: user.to_string(), version: Some(version) }
    }

    /// Of all tokens of a session.
    #[must_use]
    pub fn of_session(session: SessionId) -> Self {
        Self { subject: session.to_string(), version: None }
    }

    /// Of the session's tokens that were made before it had this version.
    #[must_use]
    pub fn of_session_before(session: SessionId, version: i64) -> Self {
        Self { subject: session.to_string(), version: Some(version) }
    }

    /// Of all tokens that were drawn from a grant.
    #[must_use]
    pub fn of_grant(grant: GrantId) -> Self {
        Self { subject: grant.to_string(), version: None }
    }

    /// Of all tokens of an API key.
    #[must_use]
    pub fn of_api_key(key: ApiKeyId) -> Self {
        Self { subject: key.to_string(), version: None }
    }

    /// Of the key's tokens that were made before the key had this version.
    #[must_use]
    pub fn of_api_key_before(key: ApiKeyId, version: i64) -> Self {
        Self { subject: key.to_string(), version: Some(version) }
    }
}

/// What to ask the feed for: the query of [`REVOCATIONS_PATH`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Since {
    /// The cursor of the answer before; without one, all of the last 20 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// What the feed answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// To be given back with the next question. It means nothing to others than auth.
    pub cursor: String,
    /// What was committed since, in no order.
    pub revocations: Vec<Revocation>,
}

/// How long the first answer, which is the longest, may take.
pub(super) const FIRST_PATIENCE: Duration = Duration::from_secs(5);

/// auth's internal listener, as [`Revocations::follow`](super::Revocations::follow) asks it.
///
/// # Errors
/// When the registry cannot place auth.
pub fn feed_of_auth(registry: &Registry) -> Result<Peer, CallError> {
    let options = PeerOptions { timeout: FIRST_PATIENCE, ..registry.peer_options() };
    Peer::new(registry.internal(Service::Auth), &options)
}
