//! All that is held about a person, over all services, for them to take along: asked for,
//! gathered by a job, kept sealed for a week, downloaded.
//!
//! [`Gather`] asks one service after the other; what each told is kept with the place that
//! the job has reached. The document is put together as it is downloaded, and never whole
//! in memory.

mod act;
mod document;
pub(crate) mod download;
mod error;
pub(crate) mod http;
mod job;
mod rules;
mod sealed;
mod sources;
mod store;

pub(crate) use error::ExportError;
pub(crate) use job::Gather;
pub(crate) use sources::Sources;
pub(crate) use store::prune;
