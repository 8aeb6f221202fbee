//! How often may who: exact over all replicas as long as Redis answers, bounded when it
//! does not.
//!
//! A [`Policy`] is a [`Quota`] with a name. [`Limiter::check`] counts a request against as many
//! of them as concern it, against all or none, and gives a [`Decision`]. With the feature
//! `actix`, [`RateLimiting`] does so for an actix-web app.

mod address;
mod decision;
#[cfg(feature = "actix")]
mod http;
mod limiter;
mod local;
#[cfg(feature = "actix")]
mod middleware;
mod policy;
mod prepaid;
mod quota;
mod shared;

pub use address::network;
pub use decision::{Decision, POLICY_HEADER, STATE_HEADER, Standing, Verdict};
pub use limiter::{Limiter, Options};
#[cfg(feature = "actix")]
pub use middleware::{Limited, RateLimiting};
pub use policy::{Count, Policy};
pub use quota::{NotAQuota, Quota};
