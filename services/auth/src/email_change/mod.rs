//! Another address for an account: asked for by its user, confirmed from the new mailbox.

mod act;
pub(crate) mod http;
mod store;
