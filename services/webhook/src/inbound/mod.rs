//! What providers post to us: verified as it came, once each, and told on as an event.

mod error;
pub(crate) mod http;
mod reading;
mod scheme;
mod store;

pub(crate) use store::{forget, forget_of};
