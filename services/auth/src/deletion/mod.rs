//! The end of an account by its user's own wish. It waits for a time of grace, in which the
//! user can do nothing but look at the account and keep it (ADR 22); then a job carries it
//! out.

mod act;
mod error;
pub(crate) mod http;
mod job;
mod rules;
mod store;

pub(crate) use job::DeleteAccount;
pub(crate) use rules::Grace;
