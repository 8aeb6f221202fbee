use problem::{Describe, FieldError, Kind};
use service_kit::db;

/// What can go wrong with sources.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("there is no such source")]
    Unknown,
    #[error("it cannot be so; `errors` says why")]
    Invalid(Vec<FieldError>),
    #[error("an organisation has at most {0} sources")]
    TooMany(i64),
    #[error("no random bytes can be had")]
    NoRandomness,
    #[error("a secret cannot be sealed or opened")]
    Sealing(#[from] sealing::SealError),
    #[error("a source cannot be read or written")]
    Broken,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<diesel::result::Error> for SourceError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Describe for SourceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::TooMany(_) => Kind::Conflict,
            Self::NoRandomness | Self::Sealing(_) | Self::Broken => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "webhook_source_not_found",
            Self::Invalid(_) => "invalid_fields",
            Self::TooMany(_) => "too_many",
            Self::NoRandomness | Self::Sealing(_) | Self::Broken => "internal",
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
