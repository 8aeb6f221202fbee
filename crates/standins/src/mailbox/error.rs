use std::time::Duration;

use events::NoToken;
use ids::MailId;
use problem::{Describe, Kind};
use service_discovery::CallError;

/// What can go wrong with a mail.
#[derive(Debug, thiserror::Error)]
pub(super) enum MailboxError {
    #[error("no mail {0}")]
    Unknown(MailId),
    #[error("there is no token for auth: {0}")]
    NoToken(NoToken),
    #[error("a mail could not be fetched")]
    NotFetched(#[source] CallError),
}

impl Describe for MailboxError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) => Kind::NotFound,
            Self::NoToken(_) | Self::NotFetched(_) => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "mail_not_found",
            Self::NoToken(_) | Self::NotFetched(_) => "auth_unavailable",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        (self.kind() == Kind::Unavailable).then_some(Duration::from_secs(1))
    }
}
