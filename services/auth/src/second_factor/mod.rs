//! The second factor: time-based codes (RFC 6238) from an app on the user's device, and
//! recovery codes for who lost it. From its confirmation on, every first step of a login
//! leads only to the second.

pub(crate) mod act;
mod error;
pub(crate) mod http;
pub(crate) mod prove;
mod recovery;
pub(crate) mod rules;
pub(crate) mod store;
mod totp;
pub(crate) mod verify;

pub(crate) use error::SecondFactorError;
