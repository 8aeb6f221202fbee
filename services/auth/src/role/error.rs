use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::rights::RightsError;

/// What can go wrong with a role.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoleError {
    #[error("there is no such role")]
    Unknown,
    #[error("this role is Plinth's own: what it permits may change, but it stays")]
    BuiltIn,
    #[error("somebody holds this role, or is invited to it: give them another one first")]
    Held,
    #[error("there are {0} roles already, which is the most")]
    TooMany(i64),
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for RoleError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::BuiltIn | Self::Held | Self::TooMany(_) => Kind::Conflict,
            Self::Invalid(_) => Kind::Invalid,
            Self::Rights(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "role_not_found",
            Self::BuiltIn => "role_built_in",
            Self::Held => "role_held",
            Self::TooMany(_) => "too_many_roles",
            Self::Invalid(_) => "invalid_fields",
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
