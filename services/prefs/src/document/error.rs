use contract_prefs::NamespaceName;
use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::namespace::{NamespaceError, rules::MOST_BYTES};

/// What can go wrong with a document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("there is no namespace `{0}`")]
    Unknown(NamespaceName),
    #[error("there is no version {0} of it, or no more")]
    UnknownVersion(i64),
    #[error("the document would be larger than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("the document does not fit its namespace; `errors` says where")]
    Invalid(Vec<FieldError>),
    #[error("the account or the organisation is deleted")]
    OwnerGone,
    #[error("too many write this document at once; try again")]
    Contended,
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<diesel::result::Error> for DocumentError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Describe for DocumentError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) | Self::UnknownVersion(_) | Self::OwnerGone => Kind::NotFound,
            Self::TooLarge => Kind::TooLarge,
            Self::Invalid(_) => Kind::Invalid,
            Self::Contended => Kind::Conflict,
            Self::Namespace(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "namespace_not_found",
            Self::UnknownVersion(_) => "version_not_found",
            Self::TooLarge => "document_too_large",
            Self::Invalid(_) => "invalid_fields",
            Self::OwnerGone => "owner_deleted",
            Self::Contended => "document_contended",
            Self::Namespace(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Namespace(error) => error.fields(),
            _ => Vec::new(),
        }
    }
}
