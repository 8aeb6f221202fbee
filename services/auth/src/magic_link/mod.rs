//! Magic links: to log in without a password, by a mailed link.

pub(crate) mod http;
