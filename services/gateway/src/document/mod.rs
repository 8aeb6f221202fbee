//! `/openapi.json`: the documents of all services as one.

mod http;
mod rules;

pub(crate) use http::{Library, Shelf, get_openapi};
