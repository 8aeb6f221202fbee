use std::path::Path;

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Text, Timestamptz},
};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::MigrationHarness;
use ids::Timestamp;
use secrecy::ExposeSecret;
use tokio_postgres::Config;

use super::{Catalogue, Disorder, History, history::Applied};
use crate::{
    db::{self, ConnectError, Connector},
    settings::Database,
};

/// One at a time per database, whoever asks; released with its session. The number is
/// "plinth" in ASCII.
const LOCK: i64 = 0x0000_706c_696e_7468;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
        version varchar(50) PRIMARY KEY,
        run_on timestamp NOT NULL DEFAULT current_timestamp
    );
    CREATE TABLE IF NOT EXISTS plinth_migration_checksums (
        version varchar(50) PRIMARY KEY,
        checksum text NOT NULL
    );
    -- The default privileges of the owner give the serving role too much here.
    DO $$ DECLARE reader text; BEGIN
        FOR reader IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
            WHERE table_schema = current_schema() AND grantee <> current_user AND privilege_type <> 'SELECT'
            AND table_name IN ('__diesel_schema_migrations', 'plinth_migration_checksums')
        LOOP
            EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON __diesel_schema_migrations, plinth_migration_checksums FROM %I', reader);
        END LOOP;
    END $$;";

/// Brings one database to the schema of one service.
#[derive(Clone)]
pub struct Migrator {
    connector: Connector,
    catalogue: Catalogue,
    grants: Option<String>,
}

/// Why a migration did not happen. What was applied before it stays.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] db::Error),
    /// The history is not to be built upon.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Disorder(Vec<Disorder>),
    /// The database refused a statement of the migrator's own.
    #[error("the database refused")]
    Refused(#[from] diesel::result::Error),
    /// A migration failed, or cannot be taken back.
    #[error("{0}")]
    Failed(String),
}

impl Migrator {
    /// For the database at `url` (the owner's, not the runtime role's).
    ///
    /// # Errors
    /// When the URL or the authority cannot be used.
    pub fn new(url: &str, authority: Option<&Path>, catalogue: Catalogue) -> Result<Self, ConnectError> {
        Ok(Self { connector: Connector::new(url, authority)?.patient(), catalogue, grants: None })
    }

    /// For the database of these settings, as its owner, who also grants the serving role its part:
    /// whoever made roles and database (an operator in Kubernetes, a cloud's console) need not.
    ///
    /// # Errors
    /// When a URL or the authority cannot be used.
    pub fn of(settings: &Database, catalogue: Catalogue) -> Result<Self, ConnectError> {
        let (serving, authority) = (settings.url.expose_secret(), settings.ca_file.as_deref());
        let Some(owner) = settings.owner_url.as_ref().map(ExposeSecret::expose_secret) else {
            return Self::new(serving, authority, catalogue);
        };
        let [serving, owned] = [serving, owner].map(|url| url.parse::<Config>().map_err(ConnectError::Url));
        let (serving, owned) = (serving?, owned?);
        let grants =
            owned.get_dbname().zip(serving.get_user()).map(|(database, role)| grants(database, role));
        Ok(Self { grants, ..Self::new(owner, authority, catalogue)? })
    }

    /// Where every migration stands. Changes nothing.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn history(&self) -> Result<History, MigrateError> {
        let mut connection = self.connector.connect().await?;
        Ok(History::compare(&self.catalogue, &applied(&mut connection).await?))
    }

    /// Applies what is pending, oldest first; gives their names. Several callers at
    /// once take turns, and the later ones find nothing to do.
    ///
    /// # Errors
    /// [`MigrateError::Disorder`] before anything is applied; otherwise the first
    /// that failed, of which nothing stays.
    pub async fn up(&self) -> Result<Vec<String>, MigrateError> {
        self.alone(async |connector, history| {
            let pending: Vec<String> = history.pending().map(|entry| entry.version.clone()).collect();
            self.run(connector, pending, |harness, migration| harness.run_migration(migration)).await
        })
        .await
    }

    /// Takes back the last `steps` that were applied; gives their names.
    ///
    /// # Errors
    /// As [`Migrator::up`]; also when one cannot be taken back.
    pub async fn down(&self, steps: usize) -> Result<Vec<String>, MigrateError> {
        self.alone(async |connector, history| {
            let applied = history.entries.iter().rev();
            let applied = applied.filter(|entry| matches!(entry.state, super::State::Applied(_)));
            let last = applied.take(steps).map(|entry| entry.version.clone()).collect();
            self.run(connector, last, |harness, migration| harness.revert_migration(migration)).await
        })
        .await
    }

    /// Runs `work` while nobody else migrates this database. A second session holds the
    /// lock, so that each migration has a transaction of its own (or none); and is in none
    /// itself, for which `CREATE INDEX CONCURRENTLY` would wait.
    async fn alone<T>(
        &self,
        work: impl AsyncFnOnce(&Connector, History) -> Result<T, MigrateError>,
    ) -> Result<T, MigrateError> {
        let mut holder = self.connector.connect().await?;
        holder.batch_execute("SET lock_timeout = 0").await?;
        sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(LOCK).execute(&mut holder).await?;
        let mut connection = self.connector.connect().await?;
        if let Some(grants) = &self.grants {
            connection.batch_execute(grants).await?;
        }
        connection.batch_execute(TABLES).await?;
        let history = History::compare(&self.catalogue, &applied(&mut connection).await?);
        let done = match history.disorders() {
            disorders if disorders.is_empty() => work(&self.connector, history).await,
            disorders => Err(MigrateError::Disorder(disorders)),
        };
        // Tolerated: the session ends with this function, and the lock with it.
        let unlock = sql_query("SELECT pg_advisory_unlock($1)").bind::<BigInt, _>(LOCK);
        let _ = unlock.execute(&mut holder).await;
        done
    }

    /// Runs the migrations of these versions in this order, through
    /// diesel_migrations, which is not async.
    async fn run(
        &self,
        connector: &Connector,
        versions: Vec<String>,
        step: fn(
            &mut AsyncConnectionWrapper<AsyncPgConnection>,
            &super::Migration,
        ) -> diesel::migration::Result<diesel::migration::MigrationVersion<'static>>,
    ) -> Result<Vec<String>, MigrateError> {
        let connection = connector.connect().await?;
        let catalogue = self.catalogue.clone();
        let work = move || {
            let mut harness = AsyncConnectionWrapper::<AsyncPgConnection>::from(connection);
            let mut done = Vec::new();
            for version in versions {
                let known = catalogue.migrations().iter().find(|migration| migration.version == version);
                let Some(migration) = known else { continue };
                step(&mut harness, migration)
                    .map_err(|why| MigrateError::Failed(format!("{migration}: {why}")))?;
                done.push(migration.to_string());
            }
            Ok(done)
        };
        tokio::task::spawn_blocking(work).await.map_err(|why| MigrateError::Failed(why.to_string()))?
    }
}

/// Nobody else may connect, and the serving role reads and writes the rows of whatever the owner will
/// make: no more. Said again, it changes nothing.
fn grants(database: &str, role: &str) -> String {
    let [database, role] = [database, role].map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
    format!(
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC;
         GRANT CONNECT ON DATABASE {database} TO {role};
         ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
         ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {role};"
    )
}

/// Whether every migration of the catalogue was applied. One that is ahead of it
/// does no harm: the release before must run on the schema of the next.
///
/// # Errors
/// When the database is away.
pub async fn is_current(
    connection: &mut AsyncPgConnection,
    catalogue: &Catalogue,
) -> crate::db::Result<bool> {
    let applied = applied(connection).await?;
    Ok(catalogue.migrations().iter().all(|known| applied.iter().any(|row| row.version == known.version)))
}

async fn applied(connection: &mut AsyncPgConnection) -> Result<Vec<Applied>, diesel::result::Error> {
    #[derive(QueryableByName)]
    struct Exists {
        #[diesel(sql_type = Bool)]
        exists: bool,
    }
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        version: String,
        #[diesel(sql_type = Text)]
        checksum: String,
        #[diesel(sql_type = Timestamptz)]
        at: Timestamp,
    }
    let tables = "SELECT to_regclass('plinth_migration_checksums') IS NOT NULL AS exists";
    if !sql_query(tables).get_result::<Exists>(connection).await?.exists {
        return Ok(Vec::new());
    }
    let rows = "SELECT version, coalesce(checksum, '') AS checksum, run_on AT TIME ZONE 'UTC' AS at
                FROM __diesel_schema_migrations LEFT JOIN plinth_migration_checksums USING (version)
                ORDER BY version";
    let rows: Vec<Row> = sql_query(rows).load(connection).await?;
    Ok(rows.into_iter().map(|Row { version, checksum, at }| Applied { version, checksum, at }).collect())
}
