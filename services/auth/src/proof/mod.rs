//! Proofs by mail: whoever shows the token of a mailed link has the mailbox.
//!
//! Links are asked for by a job, alike for an address with an account and for one without;
//! the worker finds out whether there is somebody to write to. What the first proof of a
//! mailbox drops, and why, is in ADR 18.

pub(crate) mod act;
mod error;
mod job;
mod rules;
pub(crate) mod store;

pub(crate) use error::ProofError;
pub(crate) use job::SendLink;
pub(crate) use rules::Letter;
