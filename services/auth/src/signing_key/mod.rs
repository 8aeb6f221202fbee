//! The keys that tokens are signed with: sealed in the database, rotated with an
//! overlap, so that no verifier ever meets a key that it could not have fetched.

mod error;
mod held;
mod rules;
pub(crate) mod store;

pub use error::SigningKeyError;
pub(crate) use held::{SigningKeys, add_next};
pub(crate) use rules::{KeyTimes, State, first, rotate};
