//! `plinth dev` as a person meets it: the real program, real servers and real kills.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod jobs;
mod migrate;
mod servers;
mod services;
mod spawn;
