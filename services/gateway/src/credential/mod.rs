//! Who calls: an access token, verified here, or an API key, exchanged at auth.

mod error;
mod exchange;
pub(crate) mod rules;
mod shared;

pub(crate) use error::CredentialError;
pub(crate) use exchange::Exchanges;
pub(crate) use shared::Shared;

use actix_web::http::header::HeaderMap;
use futures_util::future::BoxFuture;
use identity::{
    Claims, EDGE_AUDIENCE, End, FetchedKeys, KeySource, Refusal, Revocations, Trusted, Verifier, jwks_path,
};
use service_discovery::{CallError, Peer, PeerOptions, Registry, Service};

use rules::Given;

/// The one check of credentials at the edge.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    verifier: Verifier,
    exchanges: Exchanges,
}

/// Accepts what auth issues for clients (`aud` = `plinth`), and nothing that is
/// meant for a service or was revoked.
pub(crate) fn edge_verifier(registry: &Registry, revocations: Revocations) -> Result<Verifier, CallError> {
    let auth = Peer::new(registry.internal(Service::Auth), &PeerOptions::default())?;
    let trusted = Trusted {
        issuer: registry.public_origin(),
        audiences: vec![EDGE_AUDIENCE.to_owned()],
        keys: KeySource::Fetched(FetchedKeys::new(auth, &jwks_path(Service::Auth))),
    };
    Ok(Verifier::new(vec![trusted], revocations))
}

impl Credentials {
    pub(crate) fn new(verifier: Verifier, exchanges: Exchanges) -> Self {
        Self { verifier, exchanges }
    }

    /// A future that ends when the credential with these claims does.
    pub(crate) fn ended(&self, claims: &Claims) -> BoxFuture<'static, End> {
        self.verifier.revocations().ended(claims)
    }

    /// The claims of whoever sends these headers; `None` for nobody in particular.
    pub(crate) async fn check(&self, headers: &HeaderMap) -> Result<Option<Claims>, CredentialError> {
        let claims = match rules::given(headers)? {
            Given::Nothing => return Ok(None),
            Given::Token(token) => self.verifier.verify(token).await?,
            Given::ApiKey(key) => self.exchanges.claims(&key).await?,
        };
        if claims.service().is_some() {
            return Err(Refusal::Invalid("it is a service's own").into());
        }
        Ok(Some(claims))
    }
}
