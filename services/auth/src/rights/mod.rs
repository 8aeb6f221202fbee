//! What a user may do: roles and permissions are data, read whenever a token is made, and
//! void tokens when they change.

mod error;
pub(crate) mod store;

pub(crate) use error::RightsError;
pub(crate) use store::Whose;

use ids::Timestamp;

/// A user in one organisation, as of now.
#[derive(Clone, Debug)]
pub(crate) struct Rights {
    pub(crate) version: i64,
    pub(crate) email_verified: bool,
    pub(crate) banned_at: Option<Timestamp>,
    pub(crate) roles: Vec<String>,
    /// What the roles permit: sensitive ones only once the address is verified, and what
    /// does not administer only as far as the role in the organisation permits it too.
    pub(crate) scopes: Vec<String>,
}
