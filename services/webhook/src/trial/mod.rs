//! A message that is sent to see whether it arrives.

pub(crate) mod http;
