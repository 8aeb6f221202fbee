//! Attempts at a password or a code: counted before they are judged, so that many at once
//! count as many, and slowed down by their failures (OWASP ASVS 5, section 6.3).
//!
//! Each account has two counters, for passwords and for codes, and so has each address
//! that has no account: a lock tells nobody who has one. Clients' addresses have a third.

mod attempts;
mod error;
pub(crate) mod http;
mod job;
mod rules;
pub(crate) mod store;
mod turns;

pub(crate) use attempts::{Attempt, Attempts};
pub(crate) use error::AttemptError;
pub(crate) use job::TellLocked;
pub(crate) use rules::Proof;
pub(crate) use store::{Keys, prune};
