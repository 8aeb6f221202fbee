//! Settings from the environment (`AUTH__DATABASE__URL`) and a TOML file
//! (`[auth.database] url = …`); the environment wins.
//!
//! serde would stop at the first fault. A [`Reader`] collects them: a start with
//! bad settings names every one at once.

mod groups;
mod reader;

pub use groups::{Database, Http, Role, TlsFiles, environment, logs};
pub use reader::{Environment, Faults, Reader};
