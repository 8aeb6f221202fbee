//! What a user may do: roles and permissions are data, asked for whenever a token is made, and
//! void tokens when they change.

mod error;
mod permitted;
pub(crate) mod store;

pub(crate) use error::RightsError;
pub(crate) use store::{Rights, Whose};

/// What somebody may do whose account is about to go: look at it, and keep it.
pub(crate) const LEAVING: [&str; 2] = ["auth:read", "auth:write"];
