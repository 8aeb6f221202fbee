//! What an endpoint's messages are signed with: one secret, and besides it those that retire.

pub(crate) mod http;
mod rules;
pub(crate) mod store;

pub(crate) use store::SecretId;
