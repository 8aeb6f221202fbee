//! How often an API key may ask: as its maker said, over all replicas together.

use std::time::Duration;

use actix_web::http::header::HeaderName;
use identity::Claims;
use problem::{Describe, HttpError, Kind};
use rate_limiter::{Decision, Limiter, Quota};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Counts the requests of API keys that have a limit of their own (the claim `rpm`).
#[derive(Clone, Debug)]
pub(crate) struct KeyLimits(Limiter);

/// A request that was counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    quota: Quota,
    decision: Decision,
}

/// More requests than the key may send.
#[derive(Debug, thiserror::Error)]
#[error("this API key may send {} requests a minute", .0.quota.requests())]
struct TooMany(Counted);

impl Describe for TooMany {
    fn kind(&self) -> Kind {
        Kind::TooManyRequests
    }

    fn code(&self) -> &'static str {
        "rate_limited"
    }

    fn retry_after(&self) -> Option<Duration> {
        Some(self.0.decision.retry_after)
    }
}

impl KeyLimits {
    pub(crate) const fn new(limiter: Limiter) -> Self {
        Self(limiter)
    }

    /// Counts a request with these claims, once; `None` when nothing limits it.
    ///
    /// # Errors
    /// 429 when it is one too many.
    pub(crate) async fn count(&self, claims: &Claims) -> Result<Option<Counted>, HttpError> {
        let Some(quota) = claims.rpm.map(Quota::per_minute) else { return Ok(None) };
        // Tagged, so that a Redis Cluster spreads the keys.
        let name = format!("gateway:limit:{{{}}}", claims.sid.as_ref().unwrap_or(&claims.sub));
        let counted = Counted { quota, decision: self.0.check(&name, quota).await };
        if counted.decision.allowed {
            return Ok(Some(counted));
        }
        let told = counted.headers().into_iter();
        Err(told
            .fold(TooMany(counted).into(), |error: HttpError, (name, value)| error.with_header(name, value)))
    }
}

impl Counted {
    /// What the answer says of it (draft-ietf-httpapi-ratelimit-headers-10): the policy, how
    /// many may follow at once, and in how many seconds one more may.
    pub(crate) fn headers(&self) -> [(HeaderName, String); 2] {
        let (quota, decision) = (self.quota, self.decision);
        let reset = decision.reset.as_secs() + u64::from(decision.reset.subsec_nanos() > 0);
        [
            (POLICY, format!("\"key\";q={};w={}", quota.requests(), quota.period().as_secs())),
            (STATE, format!("\"key\";r={};t={reset}", decision.remaining)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_whole_seconds_that_are_long_enough() {
        let decision = Decision {
            allowed: true,
            remaining: 29,
            reset: Duration::from_millis(1001),
            retry_after: Duration::ZERO,
        };
        let [policy, state] = Counted { quota: Quota::per_minute(30), decision }.headers();
        assert_eq!((policy.1.as_str(), state.1.as_str()), ("\"key\";q=30;w=60", "\"key\";r=29;t=2"));
    }
}
