use problem::{Describe, Kind};
use sealing::SealError;
use service_kit::db;

/// What can go wrong with a mail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    #[error("there is no such mail, or not any more")]
    Unknown,
    /// Another service asks.
    #[error("mails are for the mail service alone")]
    NotYours,
    #[error("a token could not be made")]
    Seal(#[from] SealError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for MailError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::NotYours => Kind::Forbidden,
            Self::Seal(_) => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "mail_not_found",
            Self::NotYours => "mail_service_required",
            Self::Seal(_) => "internal",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
