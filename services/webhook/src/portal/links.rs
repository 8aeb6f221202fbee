use std::fmt;

use contract_auth::{Client, Exchange, Grant, IssuedToken, Secret};
use contract_webhook::routes;
use problem::{Describe, Kind};
use secrecy::SecretString;
use service_discovery::{CallError, Peer, Registry, Service};

/// Makes links: each has a token of auth's, narrowed to webhooks.
#[derive(Clone)]
pub(crate) struct Links {
    auth: Client,
    /// What webhook shows auth to get tokens.
    secret: Option<SecretString>,
    origin: String,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("this webhook has no secret of its own for auth (`WEBHOOK__CLIENT__SECRET`)")]
    Unconfigured,
    #[error("a token that was made for somebody else makes no links")]
    Refused,
    #[error("auth makes no tokens at the moment")]
    Unavailable(#[source] CallError),
}

impl Links {
    pub(crate) fn new(registry: &Registry, secret: Option<SecretString>) -> Result<Self, CallError> {
        let auth = Peer::new(registry.internal(Service::Auth), &registry.peer_options())?;
        Ok(Self { auth: Client::new(auth), secret, origin: registry.public_origin() })
    }

    /// A token that may do this of what the one that came with the request may, and nothing else.
    pub(super) async fn token(&self, of: Secret, scope: &str) -> Result<IssuedToken, LinkError> {
        let secret = self.secret.as_ref().ok_or(LinkError::Unconfigured)?;
        let exchange = Exchange::Portal { token: of, scope: scope.to_owned() };
        self.auth.token(Service::Webhook, secret, Grant::Exchange(exchange)).await.map_err(|why| match why {
            CallError::Refused(problem) if problem.code == "invalid_grant" => LinkError::Refused,
            why => LinkError::Unavailable(why),
        })
    }

    /// Where a browser is to go. What is behind the `#` stays there.
    pub(super) fn url(&self, token: &Secret) -> String {
        format!("{}{}#token={}", self.origin.trim_end_matches('/'), routes::PORTAL, token.expose())
    }
}

impl Describe for LinkError {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused => Kind::Forbidden,
            Self::Unconfigured | Self::Unavailable(_) => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Refused => "portal_link_refused",
            Self::Unconfigured => "portal_unconfigured",
            Self::Unavailable(_) => "auth_unavailable",
        }
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("origin", &self.origin).finish_non_exhaustive()
    }
}
