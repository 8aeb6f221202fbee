use std::time::Duration;

use problem::{Describe, FieldError, Kind};
use sealing::SealError;
use service_kit::db;

use crate::{
    attempt::AttemptError, one_time::OneTimeError, password::PasswordError, rights::RightsError,
    session::SessionError,
};

/// What can go wrong with a second factor.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecondFactorError {
    /// In the second step of a login.
    #[error("the code is wrong, or was used already")]
    WrongCode,
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error("a second factor is on already: switch it off first")]
    On,
    #[error("there is no second factor that waits for its first code")]
    NotPending,
    #[error("no second factor is on")]
    Off,
    #[error("there is no randomness")]
    NoRandomness,
    #[error("a secret could not be sealed or opened")]
    Seal(#[from] SealError),
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    #[error(transparent)]
    OneTime(#[from] OneTimeError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Refused(#[from] identity::Refusal),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl SecondFactorError {
    /// A field that does not fit. In a session a wrong code or password is no refusal of
    /// the credential: a client must not log out because of it.
    pub(crate) fn field(pointer: &str, code: &'static str, detail: &str) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, code, detail)])
    }

    fn told(&self) -> Option<&dyn Describe> {
        Some(match self {
            Self::Attempt(error) => error,
            Self::OneTime(error) => error,
            Self::Password(error) => error,
            Self::Session(error) => error,
            Self::Rights(error) => error,
            Self::Refused(error) => error,
            Self::Db(error) => error,
            _ => return None,
        })
    }
}

impl Describe for SecondFactorError {
    fn kind(&self) -> Kind {
        match self {
            Self::WrongCode => Kind::Unauthenticated,
            Self::Invalid(_) => Kind::Invalid,
            Self::On | Self::NotPending | Self::Off => Kind::Conflict,
            other => other.told().map_or(Kind::Internal, Describe::kind),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::WrongCode => "wrong_code",
            Self::Invalid(_) => "invalid_fields",
            Self::On => "second_factor_on",
            Self::NotPending => "second_factor_not_pending",
            Self::Off => "second_factor_off",
            other => other.told().map_or("internal", Describe::code),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            other => other.told().map(Describe::fields).unwrap_or_default(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        self.told().and_then(Describe::retry_after)
    }
}
