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
        Self::restarted(&["track_commit_timestamp = on"]).await
    }

    /// One that counts statements (`pg_stat_statements`), which costs a little, too.
    pub(crate) async fn with_statements() -> anyhow::Result<Self> {
        Self::counting(&["shared_preload_libraries = 'pg_stat_statements'"]).await
    }

    /// Both.
    pub(crate) async fn with_statements_and_commit_times() -> anyhow::Result<Self> {
        Self::counting(&["shared_preload_libraries = 'pg_stat_statements'", "track_commit_timestamp = on"])
            .await
    }

    async fn counting(settings: &[&str]) -> anyhow::Result<Self> {
        let servers = Self::restarted(settings).await?;
        let admin = connect(&servers.url("postgres")).await?;
        let made = admin.batch_execute("CREATE EXTENSION pg_stat_statements").await;
        made.context("pg_stat_statements is missing: install PostgreSQL's contrib modules")?;
        Ok(servers)
    }

    /// One that was started again after it was told settings.
    async fn restarted(settings: &[&str]) -> anyhow::Result<Self> {
        let Self { postgres, dir } = Self::start().await?;
        let admin = connect(&postgres.url("postgres")).await?;
        for setting in settings {
            admin.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await?;
        }
        postgres.stop().await?;
        Ok(Self { postgres: Postgres::start(dir.path(), options()).await?, dir })
    }

    /// The superuser's URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        self.postgres.url(database)
    }

    /// A role's URL of a database.
    pub(crate) fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        self.postgres.url_as(role, password, database)
    }

    /// The process that all of the server's are children of.
    pub(crate) fn pid(&self) -> u32 {
        self.postgres.pid()
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        Ok(self.postgres.stop().await?)
    }

    /// A new database without tables; its URL.
    pub(crate) async fn empty(&self, name: &str) -> anyhow::Result<String> {
        let admin = connect(&self.url("postgres")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        Ok(self.url(name))
    }

    /// A new database with the tables of `catalogue`; its URL.
    pub(crate) async fn database(&self, name: &str, catalogue: Catalogue) -> anyhow::Result<String> {
        let url = self.empty(name).await?;
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
