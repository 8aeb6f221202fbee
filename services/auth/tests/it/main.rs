//! auth against a real PostgreSQL, over HTTP, as services and the gateway call it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod account;
mod api_key;
mod api_key_secret;
mod command;
mod contract;
mod cookie;
mod impersonation;
mod keyed;
mod late;
mod password;
mod refusals;
mod revocation;
mod session;
mod spawn;
mod token;
mod told;
mod user;
mod user_admin;
