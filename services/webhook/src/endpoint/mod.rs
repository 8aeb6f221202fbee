//! An endpoint: a URL of a customer that events are posted to.

mod error;
pub(crate) mod filter;
pub(crate) mod headers;
pub(crate) mod http;
pub(crate) mod kind;
mod rules;
pub(crate) mod store;

pub(crate) use error::EndpointError;
