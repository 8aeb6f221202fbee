use std::time::Duration;

use problem::{Describe, Kind};

/// Why a caller is not let in, or not let do this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No credential at all.
    #[error("this needs a credential: send `Authorization: Bearer <access token or API key>`")]
    Missing,
    /// An `Authorization` header of another form.
    #[error("`Authorization: Bearer <token>` is wanted")]
    Scheme,
    /// A token that is not accepted; the text says why without helping to forge one.
    #[error("the token is not accepted: {0}")]
    Invalid(&'static str),
    /// A token past its end.
    #[error("the token has expired; refresh it or log in again")]
    Expired,
    /// A token that was voided before its end: its user, session or key ended or
    /// changed, and a refresh brings a new one if there is one to be had.
    #[error("the token was revoked; refresh it or log in again")]
    Revoked,
    /// A token of an API key that is good still: what the key's owner may do, or the key
    /// itself, has just changed, and the gateway brings a new token within the second.
    #[error("try again: the key's rights have just changed")]
    RightsChanged,
    /// Revocations were never read, so nobody can be let in.
    #[error("it is not known yet which tokens are revoked")]
    RevocationsUnknown,
    /// Revocations were not read for too long for something sensitive.
    #[error("it was not heard for too long which tokens are revoked, and this is sensitive")]
    RevocationsStale,
    /// The issuer's keys are not to be had, so nobody can be let in.
    #[error("the keys to verify tokens with are not available")]
    NoKeys,
    /// Known, but without this scope.
    #[error("this needs the scope `{0}`")]
    InsufficientScope(&'static str),
    /// Known by an API key, where a login session is needed.
    #[error("this needs a login session; an API key is not enough")]
    SessionRequired,
    /// One of our own services, where a person is expected.
    #[error("only a person may call this, not a service")]
    PersonRequired,
    /// A person, where only our own services are let in.
    #[error("only a service may call this, not a person")]
    ServiceRequired,
}

impl Describe for Refusal {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing | Self::Scheme | Self::Invalid(_) | Self::Expired | Self::Revoked => {
                Kind::Unauthenticated
            }
            Self::RightsChanged | Self::RevocationsUnknown | Self::RevocationsStale | Self::NoKeys => {
                Kind::Unavailable
            }
            Self::InsufficientScope(_)
            | Self::SessionRequired
            | Self::PersonRequired
            | Self::ServiceRequired => Kind::Forbidden,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "credential_missing",
            Self::Scheme => "credential_malformed",
            Self::Invalid(_) => "token_invalid",
            Self::Expired => "token_expired",
            Self::Revoked => "token_revoked",
            Self::RightsChanged => "rights_changed",
            Self::RevocationsUnknown => "revocations_unavailable",
            Self::RevocationsStale => "revocations_stale",
            Self::NoKeys => "keys_unavailable",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::SessionRequired => "session_required",
            Self::PersonRequired => "person_required",
            Self::ServiceRequired => "service_required",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        (self.kind() == Kind::Unavailable).then_some(Duration::from_secs(1))
    }

    /// RFC 6750 section 3.1.
    fn challenge(&self) -> Option<String> {
        match self {
            Self::Missing => Some("Bearer".to_owned()),
            Self::Scheme => Some(r#"Bearer error="invalid_request""#.to_owned()),
            Self::Invalid(_) | Self::Expired | Self::Revoked => {
                Some(r#"Bearer error="invalid_token""#.to_owned())
            }
            Self::InsufficientScope(scope) => {
                Some(format!(r#"Bearer error="insufficient_scope", scope="{scope}""#))
            }
            _ => None,
        }
    }
}
