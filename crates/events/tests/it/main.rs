//! Events from one service's log to another's tables, over real HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod delivery;
mod inbox;
mod log;
mod spawn;
