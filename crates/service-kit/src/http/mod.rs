//! HTTP as every service speaks it: two listeners, one error format, request ids,
//! strict JSON, health.

mod connections;
mod health;
mod json;
mod observe;
mod openapi;
mod problems;
mod refusals;
mod reply;
mod server;
mod tls;

pub use connections::ConnectionLimit;
pub use health::{Check, Readiness, database_check, state_check};
pub use json::{BODY_LIMIT, JsonError, RawBody, Strict, read_json};
pub use observe::{Proxied, REQUEST_ID, RouteName, method};
pub use openapi::{Operations, about, document, tagged};
pub use problems::{Bodied, Credentialed, Limited, NotFound, Overloaded, Queried, Unauthenticated};
pub use refusals::nowhere;
pub use reply::Created;
pub use server::{Application, Routes, Server};
