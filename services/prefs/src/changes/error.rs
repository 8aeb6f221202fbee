use std::time::Duration;

use problem::{Describe, Kind};

/// Why nobody can watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangesError {
    #[error("`Last-Event-ID` is no id of an event of this stream")]
    BadLastEvent,
    #[error("too many watch here just now; come back later, or read now and then")]
    TooManyWatchers,
    #[error("changes are not followed just now, as the database is away; come back later")]
    NotFollowed,
}

impl Describe for ChangesError {
    fn kind(&self) -> Kind {
        match self {
            Self::BadLastEvent => Kind::Malformed,
            Self::TooManyWatchers | Self::NotFollowed => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadLastEvent => "last_event_id_malformed",
            Self::TooManyWatchers => "too_many_watchers",
            Self::NotFollowed => "changes_not_followed",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        (*self != Self::BadLastEvent).then_some(Duration::from_secs(5))
    }
}
