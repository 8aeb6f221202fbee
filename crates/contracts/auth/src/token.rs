use ids::GrantId;
use serde::{Deserialize, Serialize};
use service_discovery::Service;
use utoipa::ToSchema;

use crate::Secret;

/// The values of `grant_type`.
pub mod grant_type {
    /// A service's own token (RFC 6749 section 4.4).
    pub const CLIENT_CREDENTIALS: &str = "client_credentials";
    /// A token for another (RFC 8693).
    pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
}

/// The values of `subject_token_type` and `issued_token_type`.
pub mod token_type {
    /// An access token (RFC 8693 section 3).
    pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
    /// One of our API keys.
    pub const API_KEY: &str = "urn:plinth:params:oauth:token-type:api-key";
    /// The session cookie of a browser.
    pub const SESSION_COOKIE: &str = "urn:plinth:params:oauth:token-type:session-cookie";
    /// The id of a grant, from who holds it.
    pub const GRANT: &str = "urn:plinth:params:oauth:token-type:grant";
    /// A ticket for one WebSocket.
    pub const WS_TICKET: &str = "urn:plinth:params:oauth:token-type:ws-ticket";
}

/// Asks for a token: the form of `POST /internal/v1/auth/token`. Unknown members
/// are ignored, as RFC 6749 section 3.2 says.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// One of [`grant_type`].
    #[schema(example = "urn:ietf:params:oauth:grant-type:token-exchange")]
    pub grant_type: String,
    /// Who is to accept the token: a service's name, or `plinth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "plinth")]
    pub audience: Option<String>,
    /// The scopes that are wanted, separated by spaces; all, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What is exchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub subject_token: Option<Secret>,
    /// One of [`token_type`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_token_type: Option<String>,
}

/// A token that was issued (RFC 6749 section 5.1, RFC 8693 section 2.2.1).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IssuedToken {
    /// The token.
    #[schema(value_type = String)]
    pub access_token: Secret,
    /// Of which type.
    #[schema(example = "urn:ietf:params:oauth:token-type:access_token")]
    pub issued_token_type: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// How long it is good for, seconds.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// What it may do, separated by spaces.
    pub scope: String,
}

/// What a service asks auth for.
#[derive(Clone, Debug)]
pub enum Grant {
    /// A token of its own, for another service.
    Own(Service),
    /// A token made from another.
    Exchange(Exchange),
}

/// What is exchanged, and for whom.
#[derive(Clone, Debug)]
pub enum Exchange {
    /// An API key, for a token as clients hold it.
    ApiKey(Secret),
    /// The session cookie of a browser, for a token as clients hold it.
    SessionCookie(Secret),
    /// A ticket for one WebSocket, which it uses up, for a token as clients hold it.
    WsTicket(Secret),
    /// The token of a request that is being served, to call another service on the
    /// caller's behalf.
    OnBehalf {
        /// The token that came with the request.
        token: Secret,
        /// The service to call.
        service: Service,
    },
    /// The token of a request that webhook is serving, for one that somebody else holds to look after
    /// webhooks.
    Portal {
        /// The token that came with the request.
        token: Secret,
        /// What it may do, separated by spaces.
        scope: String,
    },
    /// A grant that the service holds, to call another in the name of who gave it.
    Grant {
        /// Which.
        id: GrantId,
        /// The service to call.
        service: Service,
    },
}

impl From<Grant> for TokenRequest {
    fn from(grant: Grant) -> Self {
        let mut scope = None;
        let (subject, kind, audience) = match grant {
            Grant::Own(service) => {
                let grant_type = grant_type::CLIENT_CREDENTIALS.to_owned();
                return Self { grant_type, audience: Some(service.to_string()), ..Self::default() };
            }
            Grant::Exchange(Exchange::ApiKey(key)) => (key, token_type::API_KEY, "plinth".to_owned()),
            Grant::Exchange(Exchange::SessionCookie(cookie)) => {
                (cookie, token_type::SESSION_COOKIE, "plinth".to_owned())
            }
            Grant::Exchange(Exchange::WsTicket(ticket)) => {
                (ticket, token_type::WS_TICKET, "plinth".to_owned())
            }
            Grant::Exchange(Exchange::Grant { id, service }) => {
                (id.to_string().into(), token_type::GRANT, service.to_string())
            }
            Grant::Exchange(Exchange::OnBehalf { token, service }) => {
                (token, token_type::ACCESS_TOKEN, service.to_string())
            }
            Grant::Exchange(Exchange::Portal { token, scope: wanted }) => {
                scope = Some(wanted);
                (token, token_type::ACCESS_TOKEN, "plinth".to_owned())
            }
        };
        Self {
            grant_type: grant_type::TOKEN_EXCHANGE.to_owned(),
            audience: Some(audience),
            scope,
            subject_token: Some(subject),
            subject_token_type: Some(kind.to_owned()),
        }
    }
}
