//! Evaluation for providers (OFREP): from a snapshot of the organisation's set that is
//! held in memory, so that a value costs no statement, or one a second.

mod evaluator;
pub(crate) mod http;
mod ofrep;
mod snapshot;
mod snapshots;
pub(crate) mod store;

pub(crate) use evaluator::Evaluator;
pub(crate) use snapshot::Snapshot;
