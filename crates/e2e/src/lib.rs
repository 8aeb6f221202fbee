//! The whole of Plinth for a test: `plinth dev` with all services, each its own
//! process, on a PostgreSQL and Redis of its own. Tests speak to the gateway, by the
//! contracts' clients or raw HTTP; behind it they kill, and look into tables for what
//! nobody may do twice.

mod crowd;
mod fleet;
mod frozen;
mod people;
mod plinth;
mod tables;

pub use crowd::Crowd;
pub use fleet::{Fleet, Member};
pub use frozen::FrozenPostgres;
pub use people::{PASSWORD, Somebody, code, refused};
pub use plinth::Plinth;
pub use tables::Tables;
