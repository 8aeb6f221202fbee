//! JSON Schemas (2020-12) that users give: what may be in one, and what fits it.
//!
//! [`faults`] says what keeps a schema from being used, a [`Validator`] what keeps a document from
//! fitting it.

mod cache;
mod cost;
mod pointer;
mod shape;
mod validator;

pub use cache::Cache;
pub use pointer::{below, depth, escape};
pub use shape::{DEEPEST, faults};
pub use validator::Validator;
