//! Tickets for WebSockets, which take no credential in a header from a browser.

mod act;
pub(crate) mod http;

pub(crate) use act::redeem;
