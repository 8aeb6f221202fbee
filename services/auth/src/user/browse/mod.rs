//! Finding users, and all about one.

pub(crate) mod http;
pub(super) mod store;
