use contract_prefs::NamespaceName;
use problem::{Describe, FieldError, Kind};
use service_kit::db;

use super::rules::MOST_BYTES;

/// What can go wrong with a namespace.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NamespaceError {
    #[error("there is no namespace `{0}`")]
    Unknown(NamespaceName),
    #[error("{0}")]
    BadName(#[from] contract_prefs::NotAName),
    #[error("the name `{0}` is kept for a route of prefs")]
    Reserved(NamespaceName),
    #[error("there is a namespace `{0}` already: to replace it, send `If-Match` with its ETag")]
    Exists(NamespaceName),
    #[error("`{0}` is larger than {MOST_BYTES} bytes")]
    TooLarge(&'static str),
    #[error("the namespace cannot be registered so; `errors` says why")]
    Invalid(Vec<FieldError>),
    #[error("the schema of `{0}` was accepted once, but does not compile")]
    Broken(NamespaceName),
    #[error(transparent)]
    Job(#[from] jobs::EnqueueError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<diesel::result::Error> for NamespaceError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Describe for NamespaceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) => Kind::NotFound,
            Self::BadName(_) | Self::Reserved(_) | Self::Invalid(_) => Kind::Invalid,
            Self::Exists(_) => Kind::PreconditionRequired,
            Self::TooLarge(_) => Kind::TooLarge,
            Self::Broken(_) => Kind::Internal,
            Self::Job(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "namespace_not_found",
            Self::BadName(_) => "namespace_name_invalid",
            Self::Reserved(_) => "namespace_name_reserved",
            Self::Exists(_) => "precondition_required",
            Self::TooLarge(_) => "namespace_too_large",
            Self::Invalid(_) => "invalid_fields",
            Self::Broken(_) => "internal",
            Self::Job(error) => error.code(),
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
