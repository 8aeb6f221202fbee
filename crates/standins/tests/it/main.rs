//! The stand-ins over HTTP, against an auth that speaks the contract.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auth;
mod mailbox;
