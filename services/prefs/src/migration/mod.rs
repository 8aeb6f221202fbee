//! A migration leads the layers that are stored from one version of their namespace to the
//! next. Who reads one that is behind has it led at once; a job leads what is stored.

mod job;
pub(crate) mod rules;
mod store;

pub(crate) use job::Migrate;
