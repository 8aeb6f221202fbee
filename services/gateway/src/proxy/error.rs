use std::{error::Error, time::Duration};

use problem::{Describe, Kind};
use service_discovery::Service;

use super::client::SendError;

/// Why a request could not be passed on, or was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// More than is accepted.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// It stopped coming, or broke off.
    #[error("the body did not arrive in full")]
    Interrupted,
    /// The registry has no instance of it.
    #[error("{0} is nowhere")]
    Nowhere(Service),
    /// No instance takes connections, or each cuts them.
    #[error("{0} takes no connection")]
    Down(Service, #[source] SendError),
    /// It says that it has done nothing of the request.
    #[error("{0} did not take the request")]
    Unprocessed(Service, #[source] SendError),
    /// It went away while it had the request: a write may have happened.
    #[error("{0} went away")]
    Lost(Service, #[source] SendError),
    /// Almost all requests failed just now, so this one was not sent.
    #[error("{0} failed too often just now")]
    Resting(Service),
    /// It gave up waiting for our request, in its server's own words: it is too busy.
    #[error("{0} is too busy to read a request")]
    Busy(Service),
    /// The answer is none.
    #[error("{0} gave no sensible answer")]
    Broken(Service, #[source] SendError),
    /// No head of an answer in time.
    #[error("{0} took too long")]
    Slow(Service, #[source] tokio::time::error::Elapsed),
    /// The request cannot be written for the service.
    #[error("the request cannot be passed on")]
    Unwritable(#[from] hyper::http::Error),
}

impl Describe for ProxyError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge(_) => Kind::TooLarge,
            Self::Interrupted => Kind::Malformed,
            Self::Nowhere(_)
            | Self::Down(..)
            | Self::Unprocessed(..)
            | Self::Lost(..)
            | Self::Resting(_)
            | Self::Busy(_) => Kind::Unavailable,
            Self::Broken(..) => Kind::BadGateway,
            Self::Slow(..) => Kind::TimedOut,
            Self::Unwritable(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "body_too_large",
            Self::Interrupted => "body_interrupted",
            Self::Nowhere(_) | Self::Down(..) | Self::Unprocessed(..) | Self::Resting(_) | Self::Busy(_) => {
                "upstream_unavailable"
            }
            Self::Lost(..) => "upstream_lost",
            Self::Broken(..) => "upstream_broken",
            Self::Slow(..) => "upstream_timed_out",
            Self::Unwritable(_) => "internal",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        (self.kind() == Kind::Unavailable).then_some(Duration::from_secs(1))
    }
}

/// The first cause of type `T`, at any depth.
pub(crate) fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
