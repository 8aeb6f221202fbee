//! Who did what: an append-only table in every service, written in the transaction
//! of the operation, and read as one log over all services.
//!
//! [`record`] writes an [`Entry`] by somebody ([`By`]). [`internal_routes`] lets auth
//! read a service's log; [`Log`] merges those of all. [`by_person`] is the part of it that a
//! person is given of themselves.

mod by;
mod entry;
mod error;
mod log;
mod question;
mod routes;
mod store;

pub use by::{By, Origin};
pub use contract_audit::{Action, AuditEntry, AuditPage, AuditQuery};
pub use entry::Entry;
pub use error::AuditError;
pub use log::Log;
pub use question::Question;
pub use routes::internal_routes;
pub use store::{by_person, record, row};

use include_dir::{Dir, include_dir};

/// The table of the log, for the catalogue of every service.
pub static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");
