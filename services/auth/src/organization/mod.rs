//! Organisations: a personal one for everybody, and those that take members.

pub(crate) mod act;
mod error;
pub(crate) mod http;
mod rules;
pub(crate) mod store;

pub(crate) use error::OrganizationError;

/// How many there may be of what organisations have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Organisations that one user owns, beside their personal one.
    pub(crate) owned: i64,
    /// Members of one organisation.
    pub(crate) members: i64,
    /// Invitations of one organisation that wait.
    pub(crate) pending: i64,
}
