//! webhook as its callers see it: over HTTP, on a real PostgreSQL; and as its receivers do.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod choice;
mod command;
mod crash;
mod endpoint;
mod event_type;
mod faults;
mod inbound;
mod kinds;
mod message;
mod pace;
mod platform;
mod poll;
mod portal;
mod receiver;
mod refusals;
mod retention;
mod secret;
mod spawn;
mod trial;
