//! The roles and the database of a service: made on first use, put right on every later one.
//!
//! One role owns the database and runs the migrations. The other serves: it reads and writes
//! rows and can change no table, as the owner grants it before the first migration
//! ([`service_kit::migrations::Migrator::of`]). Nobody else may connect.

use anyhow::Context;
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use postgres_protocol::password::scram_sha_256;
use secrecy::ExposeSecret;
use service_kit::{db::Connector, settings};
use tokio_postgres::Config;

/// Makes `CREATE ROLE` and `CREATE DATABASE` of several replicas take turns; "plinth" in ASCII.
const TURN: i64 = 0x706c_696e_7468;

/// A service's place in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    database: String,
    /// Without one of its own, the serving role owns the database.
    owner: Role,
    serving: Role,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Role {
    name: String,
    password: String,
}

impl Account {
    /// The place that a service's connection URLs speak of.
    pub(crate) fn of(settings: &settings::Database) -> anyhow::Result<Self> {
        let serving: Config = settings.url.expose_secret().parse()?;
        let owner: Config = settings.owner_url.as_ref().unwrap_or(&settings.url).expose_secret().parse()?;
        let database = serving.get_dbname().context("the database URL names no database")?.to_owned();
        anyhow::ensure!(
            owner.get_dbname() == Some(&database),
            "the owner's URL is of another database than {database}"
        );
        Ok(Self { database, owner: Role::of(&owner)?, serving: Role::of(&serving)? })
    }
}

impl Role {
    fn of(config: &Config) -> anyhow::Result<Self> {
        let name = config.get_user().context("a database URL names no user")?.to_owned();
        let password = config.get_password().context("a database URL holds no password")?;
        Ok(Self { name, password: String::from_utf8(password.to_vec())? })
    }
}

/// Makes what is missing, as the superuser that `admin_url` logs in.
pub(crate) async fn provision(admin_url: &str, accounts: &[Account]) -> anyhow::Result<()> {
    let mut server = Connector::new(admin_url, None)?.patient().connect().await?;
    // It ends with the connection, which is ours alone: no pool can leak it.
    sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(TURN).execute(&mut server).await?;
    for account in accounts {
        ensure_role(&mut server, &account.owner).await?;
        ensure_role(&mut server, &account.serving).await?;
        ensure_database(&mut server, account).await?;
    }
    Ok(())
}

async fn ensure_role(server: &mut AsyncPgConnection, role: &Role) -> anyhow::Result<()> {
    let known =
        exists(server, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS found", &role.name);
    let verb = if known.await? { "ALTER" } else { "CREATE" };
    // Hashed here (RFC 5803), so that the server can't log it.
    let verifier = literal(&scram_sha_256(role.password.as_bytes()));
    let sql = format!("{verb} ROLE {} LOGIN PASSWORD {verifier}", identifier(&role.name));
    Ok(server.batch_execute(&sql).await?)
}

async fn ensure_database(server: &mut AsyncPgConnection, account: &Account) -> anyhow::Result<()> {
    let (database, owner) = (identifier(&account.database), identifier(&account.owner.name));
    let find = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS found";
    if !exists(server, find, &account.database).await? {
        // A superuser that is none (managed PostgreSQL) may only give to roles that it is in.
        server.batch_execute(&format!("GRANT {owner} TO CURRENT_USER")).await?;
        // template0, because somebody may be connected to template1.
        let create = format!("CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'");
        server.batch_execute(&create).await?;
    }
    Ok(())
}

async fn exists(server: &mut AsyncPgConnection, sql: &str, name: &str) -> anyhow::Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    Ok(sql_query(sql).bind::<Text, _>(name).get_result::<Row>(server).await?.found)
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use futures_util::future::join_all;
    use local_servers::{Postgres, postgres};
    use service_discovery::Service;
    use service_kit::{
        migrations::{Catalogue, Migrator},
        settings::Reader,
    };

    use super::*;

    /// The database of a service at `server`, with these passwords.
    fn database(server: &Postgres, service: Service, owner: &str, serving: &str) -> settings::Database {
        let name = service.name();
        let url = |role: &str, password: &str| server.url_as(role, password, name);
        let prefix = name.to_uppercase();
        let variables = [
            (format!("{prefix}__DATABASE__URL"), url(name, serving)),
            (format!("{prefix}__DATABASE__OWNER_URL"), url(&format!("{name}_owner"), owner)),
        ];
        settings::Database::read(&mut Reader::new(service, None, variables)).unwrap()
    }

    /// What `migrate up` does, but for the tables.
    async fn set_up(admin: &str, databases: &[settings::Database]) -> bool {
        let accounts: Vec<Account> =
            databases.iter().map(|database| Account::of(database).unwrap()).collect();
        let mut done = provision(admin, &accounts).await.is_ok();
        for database in databases {
            let migrator = Migrator::of(database, Catalogue::embedded(&[]).unwrap()).unwrap();
            done &= migrator.up().await.is_ok();
        }
        done
    }

    async fn does(url: &str, sql: &str) -> bool {
        let Ok(mut connection) = Connector::new(url, None).unwrap().connect().await else { return false };
        connection.batch_execute(sql).await.is_ok()
    }

    #[tokio::test]
    async fn each_role_can_do_its_part_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let options = postgres::Options { fsync: false, ..postgres::Options::new("root") };
        let server = Postgres::start(dir.path(), options).await.unwrap();
        let both = [
            database(&server, Service::Auth, "one", "two"),
            database(&server, Service::Prefs, "three", "four"),
        ];
        let admin = server.url("postgres");
        let replicas = (0..4).map(|_| set_up(&admin, &both));
        assert!(join_all(replicas).await.into_iter().all(|done| done));

        let owner = server.url_as("auth_owner", "one", "auth");
        let serving = server.url_as("auth", "two", "auth");
        assert!(does(&owner, "CREATE TABLE users (id bigserial, name text)").await);
        assert!(does(&serving, "INSERT INTO users (name) VALUES ('Ada'); UPDATE users SET name = 'A'").await);
        for refused in
            ["CREATE TABLE mine ()", "DROP TABLE users", "TRUNCATE users", "CREATE TEMP TABLE t ()"]
        {
            assert!(!does(&serving, refused).await, "{refused}");
        }
        for stranger in [("prefs", "four"), ("prefs_owner", "three")] {
            assert!(!does(&server.url_as(stranger.0, stranger.1, "auth"), "SELECT 1").await, "{stranger:?}");
        }

        assert!(set_up(&admin, &[database(&server, Service::Auth, "one", "five")]).await);
        assert!(!does(&serving, "SELECT 1").await);
        assert!(does(&server.url_as("auth", "five", "auth"), "DELETE FROM users").await);
        server.stop().await.unwrap();
    }

    #[test]
    fn names_and_words_are_quoted() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("a'b"), "'a''b'");
    }
}
