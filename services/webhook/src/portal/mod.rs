//! A page where an organisation's endpoints are looked after, and links to it for whoever is to do so.

pub(crate) mod http;
mod links;
mod page;

pub(crate) use links::Links;
