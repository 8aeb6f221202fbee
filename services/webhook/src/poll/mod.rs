//! Messages of endpoints that are not posted to: who has one asks for them, after a cursor.

pub(crate) mod http;
mod store;
