//! Accounts: registration, and what people see and change of their own.

pub(crate) mod act;
mod email;
mod error;
pub(crate) mod http;
mod rules;
pub(crate) mod store;

pub(crate) use email::Email;
pub(crate) use error::AccountError;
pub(crate) use rules::{NewAccount, is_name, named, too_large};
