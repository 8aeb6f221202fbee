//! The PostgreSQL that is measured with: private, with fsync.

use std::{fs::Permissions, os::unix::fs::PermissionsExt};

use anyhow::Context;
use local_servers::{Postgres, postgres};
use service_kit::{
    db::Db,
    migrations::{Catalogue, Migrator},
    settings::Database,
};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// Ends with this value.
pub(crate) struct Servers {
    postgres: Postgres,
    dir: TempDir,
}

impl Servers {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        // PostgreSQL runs as another user.
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        Ok(Self { postgres: Postgres::start(dir.path(), options()).await?, dir })
    }

    /// One that keeps when each transaction was committed. It costs a little, so that only
    /// who asks for it has it.
    pub(crate) async fn with_commit_times() -> anyhow::Result<Self> {
        let Self { postgres, dir } = Self::start().await?;
        let admin = connect(&postgres.url("postgres")).await?;
        admin.batch_execute("ALTER SYSTEM SET track_commit_timestamp = on").await?;
        postgres.stop().await?;
        Ok(Self { postgres: Postgres::start(dir.path(), options()).await?, dir })
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        Ok(self.postgres.stop().await?)
    }

    /// A new database with the tables of `catalogue`; its URL.
    pub(crate) async fn database(&self, name: &str, catalogue: Catalogue) -> anyhow::Result<String> {
        let admin = connect(&self.postgres.url("postgres")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let url = self.postgres.url(name);
        Migrator::new(&url, None, catalogue)?.up().await?;
        Ok(url)
    }
}

fn options() -> postgres::Options {
    postgres::Options { fsync: true, ..postgres::Options::new("bench") }
}

/// A connection beside what is measured.
pub(crate) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("no connection")?;
    tokio::spawn(connection);
    Ok(client)
}

/// A pool as services have it.
pub(crate) fn pool(url: &str) -> anyhow::Result<Db> {
    let settings = Database { url: url.to_owned().into(), owner_url: None, pool_size: 10, ca_file: None };
    Ok(Db::new(&settings)?)
}
