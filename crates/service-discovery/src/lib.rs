//! Where every service is, and how to call it.
//!
//! [`Service`] is the one list of services, with the paths that each owns.
//! [`Registry`] says at which URLs they answer here. [`Peer`] calls one of them:
//! with time-outs, retries within a budget, a circuit breaker and the
//! [`Context`] of the request that is being served.

mod breaker;
mod context;
mod peer;
mod registry;
mod service;

pub use context::Context;
pub use peer::{CallError, Peer, PeerOptions};
pub use registry::{Fault, Placement, Registry, Terms};
pub use service::Service;
