//! Sessions: one login on one device, and the tokens that it gives.

pub(crate) mod act;
mod client_name;
pub(crate) mod cookie;
mod device;
mod enter;
mod error;
pub(crate) mod http;
mod minting;
mod mode;
mod pass;
mod refresh_token;
mod rules;
pub(crate) mod store;
pub(crate) mod switch;

pub(crate) use device::Device;
pub(crate) use enter::{Entered, Method, Proven};
pub(crate) use error::SessionError;
pub(crate) use minting::{Minting, Opened, Opening};
pub(crate) use mode::{Mode, ModeQuery};
pub(crate) use pass::Pass;
pub(crate) use refresh_token::RefreshToken;
pub(crate) use rules::Lifetimes;
