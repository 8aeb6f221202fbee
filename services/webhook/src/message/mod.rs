//! A message: what happened, posted to every endpoint that gets its type.

mod error;
mod forward;
pub(crate) mod http;
mod rules;
mod store;

pub(crate) use error::MessageError;
pub(crate) use forward::{publish, publish_with, subscriptions};
pub(crate) use rules::data_of;
pub(crate) use store::state_of;
