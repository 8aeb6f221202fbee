//! The path of a request: made canonical once, so that what is routed, authorised
//! and forwarded is the same string.

mod onward;
pub(crate) mod rules;
mod table;

pub(crate) use onward::onward;
pub(crate) use rules::{NotCanonical, canonical};
pub(crate) use table::{Route, Table};
