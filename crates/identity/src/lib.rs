//! Who calls, and what they may do.
//!
//! A token is a JWT of one profile ([`Claims`], RFC 9068): Ed25519 only, one
//! audience, minutes long. [`SigningKey`] makes it, [`Verifier`] reads it with
//! keys that it holds or fetches ([`KeySource`]). A handler takes the caller as
//! an argument: [`Can<P>`](Can) needs a permission, [`Principal`] any person,
//! [`CallingService`] one of our own services.

mod claims;
mod extract;
mod keys;
mod principal;
mod refusal;
mod scopes;
mod signing;
mod verifier;

pub use claims::{Actor, Claims};
pub use extract::{CallingService, Can, Permission};
pub use keys::{FetchedKeys, KeySet, KeySource};
pub use principal::{Credential, Principal};
pub use refusal::Refusal;
pub use scopes::Scopes;
pub use signing::{SigningFailed, SigningKey};
pub use verifier::{Trusted, Verifier};

/// The audience of tokens that clients hold; services and agents have their own.
pub const EDGE_AUDIENCE: &str = "plinth";

/// The issuer of the 60-second tokens that the gateway mints for services.
pub const GATEWAY_ISSUER: &str = "urn:plinth:gateway";

/// Where a service publishes its keys on its internal listener (RFC 7517).
pub const INTERNAL_JWKS_PATH: &str = "/internal/v1/jwks.json";
