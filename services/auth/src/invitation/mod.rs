//! Invitations to organisations: bound to an address, answered once, by a mailed token.

mod act;
mod error;
pub(crate) mod http;
pub(crate) mod received;
mod rules;
mod store;

pub(crate) use error::InvitationError;
