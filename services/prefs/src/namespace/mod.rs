//! A namespace: what can be preferred in it (a JSON Schema), and what holds for those
//! who chose nothing. Namespaces are the platform's; they are never removed.

mod error;
pub(crate) mod http;
pub(crate) mod rules;
mod secrets;
mod shape;
pub(crate) mod store;
mod validator;
mod validators;

pub(crate) use error::NamespaceError;
pub(crate) use validator::Validator;
pub(crate) use validators::Validators;
