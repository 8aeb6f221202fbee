//! Verification: the link of a registration shows that its address is its maker's own.

pub(crate) mod http;
