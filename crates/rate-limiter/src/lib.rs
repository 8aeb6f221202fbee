//! How often may who: exact over all replicas as long as Redis answers, bounded when it
//! does not.
//!
//! A [`Quota`] says how often, [`Limiter::check`] counts a request and decides.

mod limiter;
mod local;
mod quota;
mod shared;

pub use limiter::Limiter;
pub use quota::{Decision, Quota};
