//! Who calls, and what they may do.
//!
//! A token is a JWT of one profile ([`Claims`], RFC 9068): Ed25519 only, one
//! audience, minutes long. [`SigningKey`] makes it, [`Verifier`] reads it with
//! keys that it holds or fetches ([`KeySource`]), and refuses it if it was revoked
//! ([`Revocations`]). A handler takes the caller as
//! an argument: [`Can<P>`](Can) needs a permission, [`Principal`] any person. Who reads
//! a body asks again when it is there ([`require_live`]).

mod claims;
mod extract;
mod keys;
mod principal;
mod proven;
mod refusal;
mod revocation;
mod scopes;
mod signing;
mod verifier;

pub use claims::{Actor, Claims};
pub use extract::{CallingService, Can, Permission, require_live};
pub use keys::{FetchedKeys, KeySet, KeySource};
pub use principal::{Credential, Principal};
pub use refusal::Refusal;
pub use revocation::{End, Feed, REVOCATIONS_PATH, Revocation, Revocations, Since, Watched, feed_of_auth};
pub use scopes::Scopes;
pub use signing::{SigningFailed, SigningKey};
pub use verifier::{Trusted, Verifier};

use service_discovery::Service;

/// The audience of tokens that clients hold; services and agents have their own.
pub const EDGE_AUDIENCE: &str = "plinth";

/// The issuer of the 60-second tokens that the gateway mints for services.
pub const GATEWAY_ISSUER: &str = "urn:plinth:gateway";

/// Where a service that signs tokens publishes its keys, on its internal listener
/// (a JWK set, RFC 7517).
#[must_use]
pub fn jwks_path(service: Service) -> String {
    format!("/internal/v1/{service}/jwks.json")
}
