//! The gateway between real HTTP on both sides: services that record what reaches
//! them, and clients down to raw bytes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::as_conversions, clippy::panic, reason = "tests count and complain")]

mod api_keys;
mod auth;
mod command;
mod cookies;
mod cors;
mod faults;
mod headers;
mod key_limits;
mod limits;
mod own_routes;
mod paths;
mod raw;
mod revocation;
mod spawn;
mod stop;
mod streams;
mod tickets;
mod tokens;
mod upstream;
mod websocket;
