//! What every service is composed of: functions and types to call, never a trait
//! to implement, and no word of any service's own business. Each module is usable
//! without the others.

pub mod command;
pub mod db;
pub mod http;
pub mod migrations;
pub mod page;
pub mod settings;
pub mod signals;
pub mod tls;
