//! Who calls: an access token, verified here, or what is exchanged at auth: an API key, a
//! browser's cookie, a ticket for a WebSocket.

pub(crate) mod cookie;
mod error;
mod exchange;
mod proof;
pub(crate) mod rules;
mod shared;
pub(crate) mod ticket;

pub(crate) use error::CredentialError;
pub(crate) use exchange::Exchanges;
pub(crate) use proof::{Proof, ProofKind};
pub(crate) use shared::Shared;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use identity::{
    Claims, EDGE_AUDIENCE, End, FetchedKeys, KeySource, Refusal, Revocations, Trusted, Verifier, jwks_path,
};
use service_discovery::{Peer, Service};

use rules::Given;

/// The one check of credentials at the edge.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    verifier: Verifier,
    exchanges: Exchanges,
}

/// Accepts what auth issues for clients (`aud` = `plinth`), and nothing that is
/// meant for a service or was revoked.
pub(crate) fn edge_verifier(issuer: String, auth: Peer, revocations: Revocations) -> Verifier {
    let trusted = Trusted {
        issuer,
        audiences: vec![EDGE_AUDIENCE.to_owned()],
        keys: KeySource::Fetched(FetchedKeys::new(auth, &jwks_path(Service::Auth))),
    };
    Verifier::new(vec![trusted], revocations).remembering()
}

impl Credentials {
    pub(crate) fn new(verifier: Verifier, exchanges: Exchanges) -> Self {
        Self { verifier, exchanges }
    }

    /// A future that ends when the credential with these claims does.
    pub(crate) fn ended(&self, claims: &Claims) -> BoxFuture<'static, End> {
        self.verifier.revocations().ended(claims)
    }

    /// What this proof stands for has changed: the next request asks auth.
    pub(crate) async fn forget(&self, proof: &Proof) {
        Box::pin(self.exchanges.forget(proof)).await;
    }

    /// Whether this is checked here, without asking auth.
    pub(crate) fn holds(&self, given: &Given<'_>) -> bool {
        match given {
            Given::Nothing | Given::Token(_) => true,
            Given::Proof(proof) => self.exchanges.holds(proof),
        }
    }

    /// The claims of whoever shows this; `None` for nobody in particular.
    pub(crate) async fn check(&self, given: &Given<'_>) -> Result<Option<Arc<Claims>>, CredentialError> {
        let claims = match given {
            Given::Nothing => return Ok(None),
            Given::Token(token) => self.verifier.verify(token).await?,
            // Boxed, so that requests with a token carry no room for it.
            Given::Proof(proof) => Box::pin(self.exchanges.claims(proof)).await?,
        };
        if claims.service().is_some() {
            return Err(Refusal::Invalid("it is a service's own").into());
        }
        Ok(Some(claims))
    }
}
