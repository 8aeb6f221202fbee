//! Grants: the leaves that people give to long-running work. The service that holds one
//! draws short tokens from it, with no more than the person still may, until it ends.

mod act;
mod draw;
mod error;
pub(crate) mod http;
pub(crate) mod internal;
mod rules;
pub(crate) mod store;

pub(crate) use draw::draw;
pub(crate) use error::GrantError;
pub(crate) use store::prune;
