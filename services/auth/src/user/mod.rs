//! Users as those who administer see them: banned or not, and with which roles.

pub(crate) mod act;
pub(crate) mod browse;
mod error;
pub(crate) mod http;
mod rules;
pub(crate) mod store;

pub(crate) use error::UserError;
pub(crate) use rules::accept_reason;
