use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::{rights::RightsError, session::SessionError};

/// What can go wrong with members of an organisation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MembershipError {
    /// It is not there, or not the caller's: nobody is told which.
    #[error("there is no such organisation")]
    Unknown,
    #[error("there is no such member")]
    UnknownMember,
    #[error("your role in this organisation does not permit this")]
    Role,
    /// Of one's own rank or above.
    #[error("only about those whose role is below yours")]
    NotBelow,
    #[error("ownership is not given as a role: transfer the organisation")]
    Ownership,
    #[error("the owner cannot go: transfer the organisation first, or delete it")]
    Owner,
    #[error("a personal organisation has one member, and goes with the account")]
    Personal,
    #[error("this member is suspended")]
    Suspended,
    /// Nobody is left owning an organisation with others when an account goes.
    #[error("this member is about to delete their account")]
    Leaving,
    /// Nobody comes to own more by transfers than they may make.
    #[error("this member owns {0} organisations already, which is the most")]
    OwnsMost(i64),
    /// Its owner is about to go, and it with them.
    #[error("this organisation takes nobody in for now")]
    Closing,
    #[error("there are {0} members already, which is the most")]
    Full(i64),
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<identity::Refusal> for MembershipError {
    fn from(refusal: identity::Refusal) -> Self {
        Self::Session(refusal.into())
    }
}

impl Describe for MembershipError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown | Self::UnknownMember => Kind::NotFound,
            Self::Role | Self::NotBelow => Kind::Forbidden,
            Self::Ownership
            | Self::Owner
            | Self::Personal
            | Self::Suspended
            | Self::Leaving
            | Self::OwnsMost(_)
            | Self::Closing
            | Self::Full(_) => Kind::Conflict,
            Self::Invalid(_) => Kind::Invalid,
            Self::Session(error) => error.kind(),
            Self::Rights(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "organization_not_found",
            Self::UnknownMember => "member_not_found",
            Self::Role => "role_insufficient",
            Self::NotBelow => "member_not_below",
            Self::Ownership => "ownership_is_transferred",
            Self::Owner => "owner_must_transfer",
            Self::Personal => "organization_personal",
            Self::Suspended => "member_suspended",
            Self::OwnsMost(_) => "too_many_organizations",
            Self::Leaving => "member_leaving",
            Self::Closing => "organization_closing",
            Self::Full(_) => "organization_full",
            Self::Invalid(_) => "invalid_fields",
            Self::Session(error) => error.code(),
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
            Self::Session(error) => error.retry_after(),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
