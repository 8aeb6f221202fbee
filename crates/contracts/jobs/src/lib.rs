//! What every service says about its jobs: the shapes of its JSON, its routes, what it
//! audits, and a client.
//!
//! A [`Job`] is what its owners see of it, a [`JobDetails`] what administrators see.

pub mod audited;
mod client;
mod events;
mod job;
pub mod routes;

pub use client::{Client, Wanted};
pub use events::{Event, Events};
pub use job::{Job, JobCount, JobCounts, JobDetails, JobPage, JobState, Progress, UnknownState};
