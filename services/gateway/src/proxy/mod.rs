//! The proxy: a request goes to the service that owns its path, and the answer comes
//! back, both as streams.

mod admit;
mod body;
mod coding;
mod connect;
mod error;
pub(crate) mod headers;
mod http;
mod instances;
mod pace;
mod upgrade;
mod upstream;

pub(crate) use connect::Endpoints;
pub(crate) use error::ProxyError;
pub(crate) use http::{Door, proxy};
pub(crate) use upstream::Upstream;
