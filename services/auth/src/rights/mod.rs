//! What a user may do: roles and permissions are data, read whenever a token is made, and
//! void tokens when they change.

mod error;
pub(crate) mod store;

pub(crate) use error::RightsError;
pub(crate) use store::Whose;

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz},
};
use ids::Timestamp;

/// A user in one organisation, as of now.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct Rights {
    #[diesel(sql_type = BigInt, column_name = user_version)]
    pub(crate) version: i64,
    #[diesel(sql_type = Bool)]
    pub(crate) email_verified: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) banned_at: Option<Timestamp>,
    /// When the account goes, if its deletion waits.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) delete_at: Option<Timestamp>,
    /// None while the deletion waits, whatever the user has.
    #[diesel(sql_type = Array<Text>)]
    pub(crate) roles: Vec<String>,
    /// What the roles permit: sensitive ones only once the address is verified, and what
    /// does not administer only as far as the role in the organisation permits it too.
    /// While the deletion of the account waits, [`LEAVING`] alone.
    #[diesel(sql_type = Array<Text>)]
    pub(crate) scopes: Vec<String>,
}

/// What somebody may do whose account is about to go: look at it, and keep it.
pub(crate) const LEAVING: [&str; 2] = ["auth:read", "auth:write"];

impl Rights {
    /// Whether the user's API keys open anything.
    pub(crate) const fn open_keys(&self) -> bool {
        self.banned_at.is_none() && self.delete_at.is_none()
    }
}
