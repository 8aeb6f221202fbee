//! Grants, from both sides.

use ids::GrantId;
use reqwest::Method;

use super::{Client, Result, at, routes};
use crate::{GrantList, HeldGrant, NewGrant, Secret};

impl Client {
    /// A page of the grants that the caller has given; `query` as in `?limit=10&cursor=…`, or
    /// empty.
    ///
    /// # Errors
    /// A refusal (400: the query), or no answer.
    pub async fn grants(&self, token: &Secret, query: &str) -> Result<GrantList> {
        self.json(self.with(token, Method::GET, &format!("{}{query}", routes::GRANTS))).await
    }

    /// Takes a grant back.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's), or no answer.
    pub async fn revoke_grant(&self, token: &Secret, id: GrantId) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &at(routes::GRANT, id))).await
    }

    /// A grant for the service whose own token `own` is. Safe to repeat: with the same
    /// reference it is the same grant.
    ///
    /// # Errors
    /// A refusal (422: a scope that the token lacks, 403: it is not for this service), or no
    /// answer.
    pub async fn create_grant(&self, own: &Secret, new: &NewGrant) -> Result<HeldGrant> {
        self.json(self.with(own, Method::POST, routes::INTERNAL_GRANTS).json(new)).await
    }

    /// Gives a grant of the service's own back.
    ///
    /// # Errors
    /// A refusal (404: the service holds no such grant), or no answer.
    pub async fn give_back_grant(&self, own: &Secret, id: GrantId) -> Result<()> {
        self.done(self.with(own, Method::DELETE, &at(routes::INTERNAL_GRANT, id))).await
    }
}
