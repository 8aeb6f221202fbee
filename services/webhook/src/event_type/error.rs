use problem::{Describe, FieldError, Kind};
use service_kit::db;

/// What can go wrong with types of events.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventTypeError {
    #[error("there is no such type of events")]
    Unknown,
    #[error("it cannot be so; `errors` says why")]
    Invalid(Vec<FieldError>),
    #[error("this type is the platform's: choose another name")]
    Platforms,
    #[error("there is a type of this name: change it by PUT")]
    Taken,
    #[error("an organisation has at most {0} types")]
    TooMany(i64),
    #[error("a schema that was accepted cannot be used")]
    Broken,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<diesel::result::Error> for EventTypeError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Describe for EventTypeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::Platforms | Self::Taken | Self::TooMany(_) => Kind::Conflict,
            Self::Broken => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "webhook_event_type_not_found",
            Self::Invalid(_) => "invalid_fields",
            Self::Platforms => "event_type_reserved",
            Self::Taken => "event_type_exists",
            Self::TooMany(_) => "too_many",
            Self::Broken => "internal",
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
