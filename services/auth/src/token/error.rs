use identity::Refusal;
use problem::{Describe, Kind};
use sealing::SealError;
use service_kit::db;

use crate::{one_time::OneTimeError, rights::RightsError, session::SessionError};

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssueError {
    /// The database was not reached yet, so there is no key.
    #[error("there is no signing key yet")]
    NoKey,
    #[error(transparent)]
    Failed(#[from] identity::SigningFailed),
}

impl Describe for IssueError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoKey => Kind::Unavailable,
            Self::Failed(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoKey => "keys_unavailable",
            Self::Failed(_) => "internal",
        }
    }
}

/// Why a service gets no token; the codes are those of RFC 6749 section 5.2 and
/// RFC 8693 section 2.2.2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the service is not known by this secret")]
    InvalidClient,
    #[error("the form lacks or repeats something: {0}")]
    InvalidRequest(String),
    #[error("the grant type is none of those that are supported")]
    UnsupportedGrant,
    #[error("the audience is no service, or not one that this grant can be for")]
    InvalidTarget,
    #[error("the subject token is not accepted: {0}")]
    InvalidGrant(String),
    #[error("a token could not be made")]
    Issue(#[from] IssueError),
    #[error("the proof could not be read")]
    Seal(#[from] SealError),
    #[error("a ticket could not be read")]
    Ticket(#[from] serde_json::Error),
    /// It cannot be told yet what the subject token is worth.
    #[error(transparent)]
    Unready(Refusal),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoKeys | Refusal::RevocationsUnknown | Refusal::RightsChanged => Self::Unready(refusal),
            other => Self::InvalidGrant(other.to_string()),
        }
    }
}

impl From<OneTimeError> for TokenError {
    fn from(error: OneTimeError) -> Self {
        match error {
            OneTimeError::Invalid => {
                Self::InvalidGrant("this ticket opens nothing, or not any more".to_owned())
            }
            OneTimeError::Seal(error) => Self::Seal(error),
            OneTimeError::Db(error) => Self::Db(error),
        }
    }
}

impl From<RightsError> for TokenError {
    fn from(error: RightsError) -> Self {
        match error {
            RightsError::Db(error) => Self::Db(error),
            other => Self::InvalidGrant(other.to_string()),
        }
    }
}

impl From<SessionError> for TokenError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Db(error) | SessionError::Rights(RightsError::Db(error)) => Self::Db(error),
            SessionError::Issue(error) => Self::Issue(error),
            SessionError::Seal(error) => Self::Seal(error),
            other => Self::InvalidGrant(other.to_string()),
        }
    }
}

impl Describe for TokenError {
    fn kind(&self) -> Kind {
        match self {
            Self::InvalidClient => Kind::Unauthenticated,
            Self::InvalidRequest(_)
            | Self::UnsupportedGrant
            | Self::InvalidTarget
            | Self::InvalidGrant(_) => Kind::Malformed,
            Self::Issue(error) => error.kind(),
            Self::Seal(_) | Self::Ticket(_) => Kind::Internal,
            Self::Unready(refusal) => refusal.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidRequest(_) => "invalid_request",
            Self::UnsupportedGrant => "unsupported_grant_type",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::Issue(error) => error.code(),
            Self::Seal(_) | Self::Ticket(_) => "internal",
            Self::Unready(refusal) => refusal.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn challenge(&self) -> Option<String> {
        matches!(self, Self::InvalidClient).then(|| r#"Basic realm="plinth services""#.to_owned())
    }
}
