use hyper::{Response, StatusCode, header::CONTENT_TYPE};

use crate::proxy::ProxyError;

/// What the end of a request says about the instance that had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Verdict {
    /// It works. Whatever it refuses, the client may be to blame.
    Served,
    /// It works, and says that it has too much to do or that it failed inside: its
    /// siblings rather than it.
    Burdened,
    /// No answer in time, none at all, or one that our services do not give.
    Failed,
    /// It takes no connection.
    Unreachable,
}

impl Verdict {
    /// `None` when the request itself was broken, which says nothing.
    pub(in crate::proxy) fn of<B>(outcome: &Result<Response<B>, ProxyError>) -> Option<Self> {
        match outcome {
            Ok(answer) => Some(Self::of_answer(answer)),
            Err(ProxyError::Down(..)) => Some(Self::Unreachable),
            Err(ProxyError::Lost(..) | ProxyError::Broken(..) | ProxyError::Slow(..)) => Some(Self::Failed),
            // It works, and does not want more just now, or not on that connection.
            Err(ProxyError::Unprocessed(..)) => Some(Self::Burdened),
            Err(_) => None,
        }
    }

    pub(in crate::proxy) fn of_answer<B>(answer: &Response<B>) -> Self {
        match answer.status() {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
                if !is_problem(answer) =>
            {
                Self::Failed
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => Self::Burdened,
            _ => Self::Served,
        }
    }

    /// Whether there is no answer of the service's own.
    pub(in crate::proxy) const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Unreachable)
    }
}

/// Our services put their own failures in words: whoever does that works.
fn is_problem<B>(answer: &Response<B>) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with(problem::CONTENT_TYPE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, kind: &str) -> Verdict {
        let answer = Response::builder().status(status).header(CONTENT_TYPE, kind).body(());
        Verdict::of(&Ok(answer.unwrap())).unwrap()
    }

    #[test]
    fn a_clients_bad_requests_are_served() {
        for status in [200, 304, 400, 401, 403, 404, 408, 409, 422] {
            assert_eq!(of(status, problem::CONTENT_TYPE), Verdict::Served, "{status}");
            assert_eq!(of(status, "text/html"), Verdict::Served, "{status}");
        }
        assert_eq!(Verdict::of::<()>(&Err(ProxyError::Interrupted)), None);
        assert_eq!(Verdict::of::<()>(&Err(ProxyError::TooLarge(1))), None);
    }

    #[test]
    fn a_service_that_says_why_it_fails_works() {
        for status in [429, 500, 502, 503, 504] {
            assert_eq!(of(status, problem::CONTENT_TYPE), Verdict::Burdened, "{status}");
        }
        assert_eq!([502, 503, 504].map(|status| of(status, "text/html")), [Verdict::Failed; 3]);
        assert_eq!(of(500, "text/html"), Verdict::Burdened);
    }
}
