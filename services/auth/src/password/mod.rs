//! Passwords: which are accepted, and how they are kept.
//!
//! Argon2id costs some 20 ms of a core and 19 MiB. It runs on a [`Hasher`]'s own
//! threads with a bounded queue, so that a storm of logins is shed before it starves
//! everything else.

mod blocklist;
mod error;
mod hash;
mod hasher;
pub(crate) mod http;
mod proof;
mod range_check;
mod rules;

pub(crate) use error::PasswordError;
pub(crate) use hash::Checked;
pub(crate) use hasher::Hasher;
pub(crate) use proof::{Checker, Held};
pub(crate) use range_check::RangeCheck;
pub(crate) use rules::{NormalPassword, accept};
