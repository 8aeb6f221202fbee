//! Roles as those who administer define them at run time: what each permits is data, and a
//! change is felt by all who hold it.

mod act;
mod error;
pub(crate) mod http;
mod rules;
mod store;

pub(crate) use error::RoleError;
