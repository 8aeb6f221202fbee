//! Servers of others that the gateway stands on.

use std::path::Path;

use local_servers::{Redis, redis};

use crate::gateway::PASSWORD;

/// A Redis of its own, which ends with its value.
pub(crate) async fn redis(dir: &Path) -> anyhow::Result<Redis> {
    Ok(Redis::start(&dir.join("redis"), redis::Options::new(PASSWORD)).await?)
}
