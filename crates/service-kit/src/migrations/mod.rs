//! A service's schema and how it got there.
//!
//! [`Catalogue`] holds the migrations that are embedded in the binary; each is a
//! folder `<version>_<name>` with `up.sql` and `down.sql`. diesel_migrations runs
//! them; beside its own table, every applied one leaves the checksum of what ran,
//! so that edited or missing history is refused ([`History`]).

mod catalogue;
mod history;
mod run;

pub use catalogue::{Catalogue, CatalogueError, Migration};
pub use history::{Disorder, Entry, History, State};
pub use run::{MigrateError, Migrator, is_current};
