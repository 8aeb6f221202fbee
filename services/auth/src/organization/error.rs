use ids::OrgId;
use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::{membership::MembershipError, rights::RightsError, session::SessionError};

/// What can go wrong with an organisation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrganizationError {
    #[error("another organisation has this slug")]
    SlugTaken,
    #[error("you own {0} organisations already, which is the most")]
    TooMany(i64),
    /// Of a user who is to be deleted.
    #[error("organisations with other members are owned: hand them over or delete them first: {}", named(.0))]
    Owns(Vec<OrgId>),
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Membership(#[from] MembershipError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

fn named(orgs: &[OrgId]) -> String {
    orgs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl From<RightsError> for OrganizationError {
    fn from(error: RightsError) -> Self {
        Self::Membership(error.into())
    }
}

impl From<SessionError> for OrganizationError {
    fn from(error: SessionError) -> Self {
        Self::Membership(error.into())
    }
}

impl Describe for OrganizationError {
    fn kind(&self) -> Kind {
        match self {
            Self::SlugTaken | Self::TooMany(_) | Self::Owns(_) => Kind::Conflict,
            Self::Invalid(_) => Kind::Invalid,
            Self::Membership(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::SlugTaken => "slug_taken",
            Self::TooMany(_) => "too_many_organizations",
            Self::Owns(_) => "owns_organizations",
            Self::Invalid(_) => "invalid_fields",
            Self::Membership(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Membership(error) => error.fields(),
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
