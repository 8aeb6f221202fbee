//! The whole of Plinth for a test: `plinth dev` with all services, each its own
//! process, on a PostgreSQL and Redis of its own. Tests speak to the gateway, by the
//! contracts' clients or raw HTTP; behind it they only kill.

mod people;
mod plinth;

pub use people::{PASSWORD, Somebody, code, refused};
pub use plinth::Plinth;
