//! A private PostgreSQL and Redis as child processes.
//!
//! Each has a directory, a port on 127.0.0.1 and a password of its own, and never touches the
//! servers of the machine. `plinth dev`, the test run and fault tests start them through here.

mod account;
mod child;
mod error;
pub mod port;
pub mod postgres;
pub mod process;
pub mod redis;

pub use error::Error;
pub use postgres::Postgres;
pub use redis::Redis;
