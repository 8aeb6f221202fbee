//! An experiment: a flag's variants compared by what people do who see them.

pub(crate) mod act;
pub(crate) mod http;
mod rules;
mod statistics;
mod store;
