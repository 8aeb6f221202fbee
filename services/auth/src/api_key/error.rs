use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::rights::RightsError;

/// What can go wrong with an API key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiKeyError {
    #[error("there is no such API key")]
    Unknown,
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("there are {0} API keys already, which is the most: delete one first")]
    TooMany(i64),
    #[error("the API key could not be made: {0}")]
    Failed(String),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for ApiKeyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::TooMany(_) => Kind::Conflict,
            Self::Failed(_) => Kind::Internal,
            Self::Rights(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "api_key_not_found",
            Self::Invalid(_) => "invalid_fields",
            Self::TooMany(_) => "too_many_api_keys",
            Self::Failed(_) => "internal",
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
}
