use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::membership::MembershipError;

/// What can go wrong with who may use a resource.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResourceError {
    #[error("it takes who administers the organisation or the resource")]
    NotAdministrator,
    #[error("this member has no leave for this resource")]
    UnknownLeave,
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Membership(#[from] MembershipError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for ResourceError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotAdministrator => Kind::Forbidden,
            Self::UnknownLeave => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::Membership(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAdministrator => "role_insufficient",
            Self::UnknownLeave => "resource_permission_not_found",
            Self::Invalid(_) => "invalid_fields",
            Self::Membership(error) => error.code(),
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
            Self::Membership(error) => error.retry_after(),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
