use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use problem::{Describe, HttpError, Kind};

use crate::{Decision, POLICY_HEADER, Policy, STATE_HEADER, Verdict};

/// Why a request may not go on.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("too many requests: the policy {:?} allows {} in {} s", .0.name(), .0.quota().requests(), .0.quota().period().as_secs())]
    TooMany(Policy, Duration),
    #[error("Redis is away, and this is counted nowhere else")]
    Uncounted(Duration),
}

impl Describe for Refusal {
    fn kind(&self) -> Kind {
        match self {
            Self::TooMany(..) => Kind::TooManyRequests,
            Self::Uncounted(_) => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooMany(..) => "rate_limited",
            Self::Uncounted(_) => "limits_unavailable",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        let (Self::TooMany(_, wait) | Self::Uncounted(wait)) = self;
        Some(*wait)
    }
}

impl Decision {
    /// Itself, if the request may go on.
    ///
    /// # Errors
    /// 429 `rate_limited`, which names the policy, or 503 `limits_unavailable`; with
    /// `Retry-After`, and with how the policies stand.
    pub fn allowed(self) -> Result<Self, HttpError> {
        let wait = self.retry_after();
        let refusal = match (self.verdict, self.refused_by()) {
            (Verdict::Allowed, _) => return Ok(self),
            (Verdict::TooMany, Some(policy)) => Refusal::TooMany(policy.clone(), wait),
            _ => Refusal::Uncounted(wait),
        };
        let headers = self.headers().into_iter().flatten();
        Err(headers.fold(refusal.into(), |error: HttpError, (name, value)| error.with_header(name, value)))
    }

    /// Tells the client how the policies stand.
    pub fn tell(&self, headers: &mut HeaderMap) {
        for (name, value) in self.headers().into_iter().flatten() {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }

    /// None where no policy says anything.
    fn headers(&self) -> Option<[(HeaderName, String); 2]> {
        let header = |name, value| (HeaderName::from_static(name), value);
        let told = || [header(POLICY_HEADER, self.policies()), header(STATE_HEADER, self.state())];
        (!self.standings.is_empty()).then(told)
    }
}
