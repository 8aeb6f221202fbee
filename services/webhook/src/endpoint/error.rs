use problem::{Describe, FieldError, Kind};
use service_kit::db;

/// What can go wrong with endpoints and what belongs to them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("there is no such endpoint")]
    Unknown,
    #[error("it cannot be so; `errors` says why")]
    Invalid(Vec<FieldError>),
    #[error("the endpoint is off: enable it first")]
    Off,
    #[error("nothing is posted to this endpoint: poll it")]
    Polled,
    #[error("this endpoint is not of the kind `poll`: its messages are posted")]
    NotPolled,
    #[error("an organisation has at most {0} endpoints")]
    TooMany(i64),
    #[error("at most {0} secrets retire at once: wait, or rotate with `overlap_seconds` 0")]
    TooManySecrets(i64),
    #[error("no random bytes can be had")]
    NoRandomness,
    #[error("a secret cannot be sealed or opened")]
    Sealing(#[from] sealing::SealError),
    #[error("a secret that was sealed cannot be read")]
    Broken,
    #[error("the message cannot be written")]
    Unwritable,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl EndpointError {
    /// One field is at fault.
    pub(crate) fn field(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, detail)])
    }
}

impl From<diesel::result::Error> for EndpointError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Describe for EndpointError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::Off | Self::Polled | Self::NotPolled | Self::TooMany(_) | Self::TooManySecrets(_) => {
                Kind::Conflict
            }
            Self::NoRandomness | Self::Sealing(_) | Self::Broken | Self::Unwritable => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "webhook_endpoint_not_found",
            Self::Invalid(_) => "invalid_fields",
            Self::Off => "webhook_endpoint_not_on",
            Self::Polled => "webhook_endpoint_polled",
            Self::NotPolled => "webhook_endpoint_not_polled",
            Self::TooMany(_) => "too_many",
            Self::TooManySecrets(_) => "too_many_secrets",
            Self::NoRandomness | Self::Sealing(_) | Self::Broken | Self::Unwritable => "internal",
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
