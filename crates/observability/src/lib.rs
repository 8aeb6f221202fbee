//! Logs, traces and metrics: one way for every service.
//!
//! [`start`] sets up logs (readable on a terminal, JSON elsewhere) and, when a
//! collector is configured, OTLP traces. [`trace`] carries W3C trace context in
//! and out. [`Metrics`] holds what Prometheus reads.

mod metrics;
mod start;
pub mod trace;

pub use metrics::Metrics;
pub use start::{LogFormat, Options, StartError, Started, start};
