//! The PostgreSQL and Redis of one test run.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use local_servers::{Postgres, Redis, postgres, redis};
use tempfile::TempDir;

/// Every test has a database and a pool of its own, and tests run side by side.
const CONNECTIONS: u16 = 500;

/// The folder of the tests' temporary files, in that of the run.
const SCRATCH: &str = "tmp";

/// The servers, in a folder that goes with them. Dropped, they are killed.
pub(super) struct Servers {
    // Fields are dropped in this order: the folder goes last.
    postgres: Postgres,
    redis: Redis,
    folder: TempDir,
}

impl Servers {
    pub(super) async fn start() -> Result<Self> {
        let folder = enterable_folder()?;
        std::fs::create_dir(folder.path().join(SCRATCH))?;
        let password = password()?;
        let mut options = postgres::Options::new(password.clone());
        options.fsync = false;
        options.max_connections = CONNECTIONS;
        let postgres = Postgres::start(&folder.path().join("postgres"), options).await?;
        let redis = Redis::start(&folder.path().join("redis"), redis::Options::new(password)).await?;
        Ok(Self { postgres, redis, folder })
    }

    /// The superuser's URL.
    pub(super) fn postgres_url(&self) -> String {
        self.postgres.url("postgres")
    }

    pub(super) fn redis_url(&self) -> String {
        self.redis.url()
    }

    /// Where the tests make their temporary files: those of an interrupted test go with ours.
    pub(super) fn scratch(&self) -> PathBuf {
        self.folder.path().join(SCRATCH)
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.redis.stop().await?;
        self.postgres.stop().await?;
        Ok(())
    }
}

/// A temporary folder that PostgreSQL's own user can pass through when we are root.
fn enterable_folder() -> Result<TempDir> {
    let permissions = std::fs::Permissions::from_mode(0o711);
    Ok(tempfile::Builder::new().prefix("plinth-run-").permissions(permissions).tempdir()?)
}

/// Others on this machine cannot guess it: a superuser of PostgreSQL can run programs.
fn password() -> Result<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).ok().context("the system gave no randomness")?;
    Ok(HEXLOWER.encode(&bytes))
}
