use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue, TryIntoHeaderValue},
    },
};

use crate::{CONTENT_TYPE, Describe, Kind, Problem};

/// The error of every handler: a [`Problem`] and the headers that go with it.
///
/// Any error that [`Describe`]s itself becomes one by `?`. A failure of ours is
/// logged there, once, with its chain of causes; the client never sees them.
pub struct HttpError {
    problem: Box<Problem>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl HttpError {
    /// Adds a header to the reply; one that cannot be written is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl TryIntoHeaderValue) -> Self {
        if let Ok(value) = value.try_into_value() {
            self.headers.push((name, value));
        }
        self
    }

    /// What the client will read.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl From<Problem> for HttpError {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), headers: Vec::new() }
    }
}

impl<E: Describe + 'static> From<E> for HttpError {
    fn from(error: E) -> Self {
        if error.kind().is_ours() {
            log(&error);
        }
        let mut reply = Self::from(Problem::describing(&error));
        if let Some(wait) = error.retry_after() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            reply = reply.with_header(header::RETRY_AFTER, seconds.max(1).to_string());
        }
        if let Some(challenge) = error.challenge() {
            reply = reply.with_header(header::WWW_AUTHENTICATE, challenge);
        }
        reply
    }
}

/// Writes a failure of ours with all its causes, outermost first.
fn log<E: Describe>(error: &E) {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        chain = format!("{chain}: {deeper}");
        cause = deeper.source();
    }
    if error.kind() == Kind::Internal {
        tracing::error!(code = error.code(), "{chain}");
    } else {
        tracing::warn!(code = error.code(), "{chain}");
    }
}

impl ResponseError for HttpError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The reply, which also carries the [`Problem`] as an extension, so that a
    /// middleware can add what only it knows (the request id).
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code()).json(&self.problem);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response.extensions_mut().insert(Problem::clone(&self.problem));
        response
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem.code, self.problem.detail)
    }
}

impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.problem, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Fault {
        #[error("select * from secrets failed")]
        Db,
        #[error("the token has expired")]
        Expired,
    }

    impl Describe for Fault {
        fn kind(&self) -> Kind {
            match self {
                Self::Db => Kind::Unavailable,
                Self::Expired => Kind::Unauthenticated,
            }
        }

        fn code(&self) -> &'static str {
            "fault"
        }
    }

    #[test]
    fn a_failure_of_ours_keeps_its_cause_to_itself() {
        let error = HttpError::from(Fault::Db);
        assert!(!error.problem().detail.contains("secrets"));
        let reply = error.error_response();
        assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(reply.headers().get(header::RETRY_AFTER).unwrap(), "1");
        assert_eq!(reply.headers().get(header::CONTENT_TYPE).unwrap(), CONTENT_TYPE);
    }

    #[test]
    fn a_refused_credential_carries_the_challenge() {
        let reply = HttpError::from(Fault::Expired).error_response();
        assert_eq!(reply.headers().get(header::WWW_AUTHENTICATE).unwrap(), "Bearer");
        assert_eq!(reply.extensions().get::<Problem>().unwrap().detail, "the token has expired");
    }
}
