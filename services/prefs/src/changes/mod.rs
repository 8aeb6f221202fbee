//! What changes, pushed to whoever watches: a notice that a document is another one, which
//! they then read anew.
//!
//! One loop a process follows the tables ([`Hub`]), however many watch. An event's id is a
//! snapshot of PostgreSQL's: it says what was visible when the notice was given, at every
//! replica alike, so a client that comes back with it is told whatever committed since,
//! late or not, also after years.

mod error;
mod follow;
pub(crate) mod http;
mod hub;
mod rules;
mod store;
mod stream;

pub(crate) use error::ChangesError;
pub(crate) use follow::follow;
pub(crate) use hub::Hub;
