use jobs::EnqueueError;
use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::event_type::EventTypeError;

/// What can go wrong with messages and their deliveries.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("there is no such message")]
    Unknown,
    #[error("it cannot be sent so; `errors` says why")]
    Invalid(Vec<FieldError>),
    #[error("another message was sent with this `event_id`")]
    EventIdReused,
    #[error("there is no such endpoint, or it is off")]
    NoEndpoint,
    #[error("a message cannot be written")]
    Unwritable(#[from] serde_json::Error),
    #[error("a delivery is in no state that there is")]
    Broken,
    #[error(transparent)]
    Type(#[from] EventTypeError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<diesel::result::Error> for MessageError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Describe for MessageError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::EventIdReused | Self::NoEndpoint => Kind::Conflict,
            Self::Unwritable(_) | Self::Broken => Kind::Internal,
            Self::Type(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "webhook_message_not_found",
            Self::Invalid(_) => "invalid_fields",
            Self::EventIdReused => "event_id_reused",
            Self::NoEndpoint => "webhook_endpoint_not_on",
            Self::Unwritable(_) | Self::Broken => "internal",
            Self::Type(error) => error.code(),
            Self::Enqueue(error) => error.code(),
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
