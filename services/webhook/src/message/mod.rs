//! A message: what happened, posted to every endpoint that gets its type.

mod error;
pub(crate) mod http;
mod rules;
mod store;

pub(crate) use error::MessageError;
