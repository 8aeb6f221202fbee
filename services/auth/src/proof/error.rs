use std::time::Duration;

use jobs::EnqueueError;
use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::{one_time::OneTimeError, password::PasswordError, rights::RightsError, session::SessionError};

/// What can go wrong with a proof by mail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProofError {
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("the address is verified already")]
    AlreadyVerified,
    /// How long until the next one may go.
    #[error("too many of these mails were asked for: look into the mailbox, or try again later")]
    TooManyMails(Duration),
    #[error("logging in by mail is switched off here")]
    NoMagicLinks,
    #[error(transparent)]
    Token(#[from] OneTimeError),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("a mail could not be asked for")]
    Job(#[from] EnqueueError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl ProofError {
    /// One field is wrong.
    pub(crate) fn field(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, detail)])
    }

    /// What the cause says of itself, where there is one that does.
    fn cause(&self) -> Option<&dyn Describe> {
        match self {
            Self::Token(error) => Some(error),
            Self::Rights(error) => Some(error),
            Self::Session(error) => Some(error),
            Self::Password(error) => Some(error),
            Self::Job(error) => Some(error),
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}

impl Describe for ProofError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::Invalid,
            Self::AlreadyVerified => Kind::Conflict,
            Self::TooManyMails(_) => Kind::TooManyRequests,
            Self::NoMagicLinks => Kind::Forbidden,
            other => other.cause().map_or(Kind::Internal, Describe::kind),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_fields",
            Self::AlreadyVerified => "email_already_verified",
            Self::TooManyMails(_) => "too_many_mails",
            Self::NoMagicLinks => "magic_links_disabled",
            other => other.cause().map_or("internal", Describe::code),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            other => other.cause().map_or_else(Vec::new, Describe::fields),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyMails(wait) => Some(*wait),
            other => other.cause().and_then(Describe::retry_after),
        }
    }
}
