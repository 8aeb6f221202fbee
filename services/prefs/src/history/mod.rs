//! The history of a layer: every version that it had, who made it so, and when. A version
//! is written with its layer, in one statement.

pub(crate) mod http;
mod job;
pub(crate) mod store;

pub(crate) use job::Prune;
