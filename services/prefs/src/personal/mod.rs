//! All of a user's own: what is held of their preferences, and its end.

pub(crate) mod http;
pub(crate) mod store;
