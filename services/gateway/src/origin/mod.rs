//! The pages that may call: what browsers let them read (CORS), and what they may do in
//! the name of whoever carries a session cookie (CSRF).

pub(crate) mod cors;
mod error;
pub(crate) mod rules;

use actix_web::http::header::HeaderValue;
use service_discovery::Registry;

/// The origins whose pages may call: the gateway's own and those that the operator lists.
#[derive(Clone, Debug)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    pub(crate) fn of(registry: &Registry) -> Self {
        Self(registry.trusted_origins())
    }

    /// Whether it is one of them, letter by letter.
    pub(crate) fn trust(&self, origin: &HeaderValue) -> bool {
        self.0.iter().any(|trusted| trusted.as_bytes() == origin.as_bytes())
    }
}
