//! Impersonation: an administrator acts in a user's name, for minutes, marked as such in
//! every token (`act`) and in the audit log, and without what could take the account over
//! ([`rules`]). It is a session of the user that has an impersonator and no refresh token.

mod act;
mod error;
pub(crate) mod http;
mod rules;
pub(crate) mod store;

pub(crate) use error::ImpersonationError;
