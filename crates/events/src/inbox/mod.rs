//! Takes events of others: each once, and handles each in a job of its own, those of
//! one aggregate in their order.

mod http;
mod job;
mod store;
mod subscriptions;

pub use http::Inbox;
pub(crate) use store::prune;
pub use subscriptions::Subscriptions;
