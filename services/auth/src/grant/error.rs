use identity::Refusal;
use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::rights::RightsError;

/// What can go wrong with a grant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GrantError {
    #[error("there is no such grant")]
    Unknown,
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("the token was not meant for the service that shows it")]
    NotYours,
    #[error("who acts in another's name gives nothing in it that lasts")]
    Impersonated,
    #[error("what was drawn from a grant gives no grants")]
    FromGrant,
    #[error("there is a grant for this already, for something else")]
    Taken,
    #[error("there are {0} grants already, which is the most: revoke some first")]
    TooMany(i64),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for GrantError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::NotYours | Self::Impersonated | Self::FromGrant => Kind::Forbidden,
            Self::Taken | Self::TooMany(_) => Kind::Conflict,
            Self::Refused(error) => error.kind(),
            Self::Rights(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "grant_not_found",
            Self::Invalid(_) => "invalid_fields",
            Self::NotYours => "token_not_yours",
            Self::Impersonated => "impersonated",
            Self::FromGrant => "grant_from_grant",
            Self::Taken => "grant_taken",
            Self::TooMany(_) => "too_many_grants",
            Self::Refused(error) => error.code(),
            Self::Rights(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
