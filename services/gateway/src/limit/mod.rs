//! How often who may ask, over all replicas together: clients without a credential by address,
//! others by plan and as the maker of an API key said.

mod rules;
mod settings;

pub use settings::Rates;

use std::net::IpAddr;

use identity::Claims;
use problem::HttpError;
use rate_limiter::{Decision, Limiter};

/// Counts requests. Each question is one step in Redis, by all policies that it concerns.
#[derive(Clone, Debug)]
pub(crate) struct RateLimits {
    limiter: Limiter,
    rates: Rates,
}

impl RateLimits {
    pub(crate) const fn new(limiter: Limiter, rates: Rates) -> Self {
        Self { limiter, rates }
    }

    /// Counts a request that shows no credential, or none that is accepted.
    ///
    /// # Errors
    /// 429 when it is one too many; 503 when it could be a guess and Redis is away.
    pub(crate) async fn anonymous(&self, client: IpAddr, path: &str) -> Result<Decision, HttpError> {
        self.limiter.check(&rules::anonymous(&self.rates, client, path)).await.allowed()
    }

    /// Counts a proof that auth has to be asked about: a flood of them must not reach it.
    ///
    /// # Errors
    /// 429 when it is one too many.
    pub(crate) async fn unproven(&self, client: IpAddr) -> Result<Decision, HttpError> {
        self.limiter.check(&rules::unproven(&self.rates, client)).await.allowed()
    }

    /// Counts a request with these claims.
    ///
    /// # Errors
    /// 429 when it is one too many.
    pub(crate) async fn known(&self, claims: &Claims) -> Result<Decision, HttpError> {
        self.limiter.check(&rules::known(&self.rates, claims)).await.allowed()
    }
}
