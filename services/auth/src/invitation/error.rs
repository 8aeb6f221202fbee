use std::time::Duration;

use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::{membership::MembershipError, one_time::OneTimeError, rights::RightsError};

/// What can go wrong with an invitation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvitationError {
    #[error("there is no such invitation, or not any more")]
    Unknown,
    #[error("this address belongs to a member already")]
    Member,
    #[error("this address is invited already: send that invitation again, or revoke it")]
    Invited,
    #[error("{0} invitations wait already, which is the most")]
    TooMany(i64),
    /// It stays usable by whom it is for.
    #[error("this invitation is for another address: log in with the account that has it")]
    ForAnother,
    #[error("verify your e-mail address first")]
    Unverified,
    #[error("its mail was asked for just now: wait a little")]
    JustSent(Duration),
    /// To one address.
    #[error("this address was sent many invitations of this organisation: wait a little")]
    TooManyMails(Duration),
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Membership(#[from] MembershipError),
    #[error(transparent)]
    Token(#[from] OneTimeError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<RightsError> for InvitationError {
    fn from(error: RightsError) -> Self {
        Self::Membership(error.into())
    }
}

impl Describe for InvitationError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Member | Self::Invited | Self::TooMany(_) => Kind::Conflict,
            Self::ForAnother | Self::Unverified => Kind::Forbidden,
            Self::JustSent(_) | Self::TooManyMails(_) => Kind::TooManyRequests,
            Self::Invalid(_) => Kind::Invalid,
            Self::Membership(error) => error.kind(),
            Self::Token(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "invitation_not_found",
            Self::Member => "already_member",
            Self::Invited => "already_invited",
            Self::TooMany(_) => "too_many_invitations",
            Self::ForAnother => "invitation_for_another",
            Self::Unverified => "email_unverified",
            Self::JustSent(_) => "invitation_just_sent",
            Self::TooManyMails(_) => "too_many_mails",
            Self::Invalid(_) => "invalid_fields",
            Self::Membership(error) => error.code(),
            Self::Token(error) => error.code(),
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

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::JustSent(left) | Self::TooManyMails(left) => Some(*left),
            Self::Membership(error) => error.retry_after(),
            Self::Token(error) => error.retry_after(),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
