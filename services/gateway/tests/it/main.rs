//! The gateway between real HTTP on both sides: services that record what reaches
//! them, and clients down to raw bytes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::as_conversions, clippy::panic, reason = "tests count and complain")]

mod access_log;
mod api_keys;
mod auth;
mod balancing;
mod coding;
mod command;
mod cookies;
mod cors;
mod faults;
mod headers;
mod instance;
mod kept;
mod key_limits;
mod limits;
mod outliers;
mod own_routes;
mod paths;
mod raw;
mod redis_tls;
mod reload;
mod revocation;
mod scripted_http2;
mod services_http2;
mod services_tls;
mod slow;
mod spawn;
mod stop;
mod streams;
mod tickets;
mod tls;
mod tokens;
mod upstream;
mod websocket;
