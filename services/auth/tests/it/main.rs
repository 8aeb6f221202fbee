//! auth against a real PostgreSQL, over HTTP, as services and the gateway call it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod account;
mod api_key;
mod api_key_secret;
mod attempt;
mod command;
mod contract;
mod cookie;
mod deletion;
mod device;
mod email_change;
mod grant;
mod impersonation;
mod keyed;
mod late;
mod magic_link;
mod mailbox;
mod one_time;
mod organizations;
mod password;
mod range_check;
mod recovery;
mod refusals;
mod revocation;
mod second_factor;
mod session;
mod spawn;
mod squatting;
mod step_up;
mod token;
mod told;
mod user;
mod user_admin;
mod verification;
mod ws_ticket;
