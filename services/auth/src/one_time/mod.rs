//! What works once: the token of a mailed link, of a second step, of a ticket.
//!
//! Its text is the row's id and a MAC that only auth can make, bound to one purpose: no
//! text is stored, and one of another purpose opens nothing. Taking it deletes the row,
//! in the transaction of what it allows: of many at once, one does.

mod error;
mod rules;
pub(crate) mod store;
mod text;

pub(crate) use error::OneTimeError;
pub(crate) use rules::Purpose;
pub(crate) use store::{NewToken, prune};
pub(crate) use text::{open, text};
