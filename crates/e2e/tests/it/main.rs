//! The whole, through the gateway.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod browser;
mod commands;
mod deletion;
mod events;
mod export;
mod faults;
mod faults_roles;
mod flags;
mod idempotency;
mod jobs;
mod journey;
mod mailbox;
mod organizations;
mod protect;
mod races;
mod races_once;
mod revocation;
mod storm;
mod upgrade;
mod webhooks;
