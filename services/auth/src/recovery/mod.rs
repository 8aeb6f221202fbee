//! Recovery: a new password for who forgot theirs, by a mailed link.

mod act;
pub(crate) mod http;
mod store;
