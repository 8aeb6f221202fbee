//! What a user may do: roles and permissions are data, read whenever a token is made.

mod error;
pub(crate) mod store;

pub(crate) use error::RightsError;

use ids::Timestamp;

/// A user in one organisation, as of now.
#[derive(Clone, Debug)]
pub(crate) struct Rights {
    pub(crate) version: i64,
    pub(crate) email_verified: bool,
    pub(crate) banned_at: Option<Timestamp>,
    pub(crate) roles: Vec<String>,
    /// What the roles permit; sensitive ones only once the address is verified.
    pub(crate) scopes: Vec<String>,
}
