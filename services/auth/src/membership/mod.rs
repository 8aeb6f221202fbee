//! Who belongs to an organisation, in which role, and what a role lets one do to others.

pub(crate) mod act;
mod error;
pub(crate) mod http;
pub(crate) mod rules;
pub(crate) mod store;

pub(crate) use error::MembershipError;
pub(crate) use rules::{OrgRole, Standing};
