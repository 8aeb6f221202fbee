//! What the audit log tells: which actions are audited, and how an entry looks.
//!
//! A contract lists what its service audits as [`Action`]s; the crate `audit`
//! writes entries of them and reads the log as [`AuditEntry`]s.

mod action;
mod entry;

pub use action::Action;
pub use entry::{AuditEntry, AuditPage, AuditQuery};
