use problem::{Describe, Kind};
use service_kit::db;

use super::{reading::Unreadable, scheme::Unverified};
use crate::{message::MessageError, source::SourceError};

/// Why what a provider posted is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum InboundError {
    #[error(transparent)]
    Unverified(#[from] Unverified),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body broke off, or took too long")]
    Incomplete,
    #[error("an event cannot be written")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<diesel::result::Error> for InboundError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Describe for InboundError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unverified(_) => Kind::Unauthenticated,
            Self::Unreadable(_) => Kind::Invalid,
            Self::TooLarge(_) => Kind::TooLarge,
            Self::Incomplete => Kind::Malformed,
            Self::Unwritable(_) => Kind::Internal,
            Self::Source(error) => error.kind(),
            Self::Message(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unverified(why) => why.code(),
            Self::Unreadable(_) => "hook_unreadable",
            Self::TooLarge(_) => "body_too_large",
            Self::Incomplete => "body_incomplete",
            Self::Unwritable(_) => "internal",
            Self::Source(error) => error.code(),
            Self::Message(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }
}
