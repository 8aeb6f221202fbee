//! API keys: long-lived credentials with a part of their maker's rights.

mod error;
pub(crate) mod http;
mod last_used;
mod rules;
pub(crate) mod store;

pub(crate) use error::ApiKeyError;
pub(crate) use last_used::LastUsed;
pub(crate) use store::Proof;
