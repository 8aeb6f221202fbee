//! The proxy: a request goes to the service that owns its path, and the answer comes
//! back, both as streams.

mod admit;
mod balance;
mod body;
mod client;
mod coding;
mod connect;
mod delivery;
mod encryption;
mod ending;
mod error;
pub(crate) mod headers;
mod http;
mod pace;
mod upgrade;
mod upstream;

pub(crate) use balance::{Balance, Counted, HealthChecks, Up};
pub(crate) use client::Ways;
pub(crate) use coding::encoded;
pub(crate) use connect::{Endpoints, Names};
pub(crate) use encryption::Encryption;
pub(crate) use error::ProxyError;
pub(crate) use http::{Door, proxy};
pub(crate) use upstream::Upstream;
