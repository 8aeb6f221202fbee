use problem::{Describe, Kind};
use service_kit::db;

/// Why the feed gives no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    #[error("the cursor is none of ours")]
    BadCursor,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for FeedError {
    fn kind(&self) -> Kind {
        match self {
            Self::BadCursor => Kind::Malformed,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadCursor => "cursor_invalid",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::BadCursor => None,
            Self::Db(error) => error.retry_after(),
        }
    }
}
