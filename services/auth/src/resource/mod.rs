//! What one may do with one resource: an id of any service, which some members of its
//! organisation may use and others not (ADR 20).

mod act;
pub(crate) mod check;
mod error;
pub(crate) mod http;
mod rules;
mod store;

pub(crate) use error::ResourceError;
