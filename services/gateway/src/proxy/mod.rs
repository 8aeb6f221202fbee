//! The proxy: a request goes to the service that owns its path, and the answer comes
//! back, both as streams.

mod admit;
mod balance;
mod body;
mod coding;
mod connect;
mod delivery;
mod error;
pub(crate) mod headers;
mod http;
mod pace;
mod upgrade;
mod upstream;

pub(crate) use balance::{Balance, HealthChecks};
pub(crate) use connect::Endpoints;
pub(crate) use error::ProxyError;
pub(crate) use http::{Door, proxy};
pub(crate) use upstream::Upstream;
