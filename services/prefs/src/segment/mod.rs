//! A segment: a condition that the rules of several flags name, such as who works here.

pub(crate) mod http;
mod rules;
mod store;
