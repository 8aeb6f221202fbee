//! Providers that post events to us, and what they sign with.

mod error;
pub(crate) mod http;
mod rules;
pub(crate) mod secret;
pub(crate) mod store;

pub(crate) use error::SourceError;
