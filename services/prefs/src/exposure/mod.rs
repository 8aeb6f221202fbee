//! Who saw which variant of an experiment. It is noted off the request's way: what is not
//! written yet is lost when the process is killed, a few seconds of it at most.

mod buffer;
pub(crate) mod http;
mod store;

pub(crate) use buffer::{Exposures, Seen, subject};
