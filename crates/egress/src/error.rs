use std::{error::Error, io};

/// Why a URL is not called. Says what to mend, and nothing of what a name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read as a URL with a host.
    #[error("it is no URL with a host, such as https://example.com/hook")]
    NoUrl,
    /// More bytes than that.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// Another scheme than these.
    #[error("its scheme must be {0}")]
    Scheme(&'static str),
    /// A port that belongs to another protocol.
    #[error("port {0} is not for HTTP")]
    Port(u16),
    /// A name or a password before the host.
    #[error("it must not hold a name or a password")]
    Credentials,
    /// An address that is no public host, itself or one of those of its name.
    #[error("its host is not a public one")]
    NotPublic,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// It is not called at all.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its name has no address.
    #[error("its name cannot be resolved")]
    Unresolved(#[source] io::Error),
    /// No address takes a connection.
    #[error("it cannot be connected to")]
    Unreachable(#[source] reqwest::Error),
    /// Its certificate is not to be trusted, or there is no TLS in common.
    #[error("no secure connection could be made")]
    Tls(#[source] reqwest::Error),
    /// Connecting, answering and sending the body took longer than the call may, all together.
    #[error("it took too long")]
    TimedOut,
    /// The connection broke, or what came is no HTTP.
    #[error("it gave no proper answer")]
    Broken(#[source] reqwest::Error),
    /// More bytes than are wanted.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// It leads on more often than that.
    #[error("it was redirected more than {0} times")]
    TooManyRedirects(u8),
    /// A header that cannot be sent.
    #[error("the request cannot be written")]
    Unwritable(#[source] reqwest::Error),
}

impl EgressError {
    /// A short name that stays, for records and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "url_refused",
            Self::Unresolved(_) => "name_not_resolved",
            Self::Unreachable(_) => "connection_failed",
            Self::Tls(_) => "tls_failed",
            Self::TimedOut => "timed_out",
            Self::Broken(_) => "broken_answer",
            Self::TooLarge(_) => "answer_too_large",
            Self::TooManyRedirects(_) => "too_many_redirects",
            Self::Unwritable(_) => "request_unwritable",
        }
    }

    /// What `reqwest` says, without the URL, which may hold a secret.
    pub(crate) fn of(why: reqwest::Error) -> Self {
        let why = why.without_url();
        if let Some(refusal) = cause::<Refusal>(&why) {
            return Self::Refused(*refusal);
        }
        if let Some(Unresolved(why)) = cause::<Unresolved>(&why) {
            return Self::Unresolved(io::Error::new(why.kind(), why.to_string()));
        }
        if why.is_timeout() {
            Self::TimedOut
        } else if cause::<rustls::Error>(&why).is_some() {
            Self::Tls(why)
        } else if why.is_connect() {
            Self::Unreachable(why)
        } else if why.is_builder() {
            Self::Unwritable(why)
        } else {
            Self::Broken(why)
        }
    }
}

/// A name that has no address.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub(crate) struct Unresolved(#[source] pub(crate) io::Error);

/// The first cause of type `T`, at any depth; also what an [`io::Error`] wraps, which is none
/// of its sources.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}
