//! Events from one service's log to another's tables, over real HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod catalogue;
mod chain;
mod delivery;
mod faults;
mod inbox;
mod log;
mod spawn;
