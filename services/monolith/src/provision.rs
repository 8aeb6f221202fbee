//! The roles and the database of a service: made on first use, put right on every later one.
//!
//! The role `<service>_owner` owns the database and runs the migrations. The role `<service>`
//! serves: it reads and writes rows and can change no table. Nobody else may connect.

use postgres_protocol::password::scram_sha_256;
use tokio_postgres::{Client, NoTls};

/// Makes `CREATE ROLE` and `CREATE DATABASE` of several replicas take turns; "plinth" in ASCII.
const TURN: i64 = 0x706c_696e_7468;

/// A service's place in a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Account<'a> {
    /// The service: its database and its serving role have this name.
    pub(crate) service: &'a str,
    /// The password of `<service>_owner`.
    pub(crate) owner_password: &'a str,
    /// The password of `<service>`.
    pub(crate) password: &'a str,
}

impl Account<'_> {
    fn owner(&self) -> String {
        format!("{}_owner", self.service)
    }
}

/// Makes what is missing. `url` gives a superuser's URL of a database.
///
/// # Errors
/// When the server is away or refuses.
pub(crate) async fn provision(
    url: impl Fn(&str) -> String,
    accounts: &[Account<'_>],
) -> Result<(), tokio_postgres::Error> {
    let server = Connection::open(&url("postgres")).await?;
    server.client.execute("SELECT pg_advisory_lock($1)", &[&TURN]).await?;
    for account in accounts {
        ensure_role(&server.client, &account.owner(), account.owner_password).await?;
        ensure_role(&server.client, account.service, account.password).await?;
        ensure_database(&server.client, account).await?;
        let database = Connection::open(&url(account.service)).await?;
        database.client.batch_execute(&default_privileges(account)).await?;
        database.close().await?;
    }
    // The lock ends with the connection.
    server.close().await
}

async fn ensure_role(client: &Client, role: &str, password: &str) -> Result<(), tokio_postgres::Error> {
    let known = client.query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&role]).await?.is_some();
    let verb = if known { "ALTER" } else { "CREATE" };
    // Hashed here (RFC 5803), so that the server can't log it.
    let verifier = literal(&scram_sha_256(password.as_bytes()));
    client.batch_execute(&format!("{verb} ROLE {} LOGIN PASSWORD {verifier}", identifier(role))).await
}

async fn ensure_database(client: &Client, account: &Account<'_>) -> Result<(), tokio_postgres::Error> {
    let name = account.service;
    let (database, owner) = (identifier(name), identifier(&account.owner()));
    let known = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await?.is_some();
    if !known {
        // template0, because somebody may be connected to template1. Outside a transaction by its nature.
        let create = format!("CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'");
        client.batch_execute(&create).await?;
    }
    client
        .batch_execute(&format!(
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT ON DATABASE {database} TO {}",
            identifier(name)
        ))
        .await
}

/// What the serving role may do with whatever the owner will make.
fn default_privileges(account: &Account<'_>) -> String {
    let (owner, role) = (identifier(&account.owner()), identifier(account.service));
    format!(
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON SEQUENCES TO {role}"
    )
}

/// A client with the task that carries its words.
struct Connection {
    client: Client,
    task: tokio::task::JoinHandle<Result<(), tokio_postgres::Error>>,
}

impl Connection {
    async fn open(url: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        Ok(Self { client, task: tokio::spawn(connection) })
    }

    async fn close(self) -> Result<(), tokio_postgres::Error> {
        drop(self.client);
        // Only a panic or the end of the runtime would keep the task from its answer.
        self.task.await.unwrap_or(Ok(()))
    }
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

    use super::*;

    const AUTH: Account<'_> = Account { service: "auth", owner_password: "one", password: "two" };
    const PREFS: Account<'_> = Account { service: "prefs", owner_password: "three", password: "four" };

    async fn does(url: &str, sql: &str) -> bool {
        let Ok(connection) = Connection::open(url).await else { return false };
        let done = connection.client.batch_execute(sql).await.is_ok();
        connection.close().await.unwrap();
        done
    }

    #[tokio::test]
    async fn each_role_can_do_its_part_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let options = postgres::Options { fsync: false, ..postgres::Options::new("root") };
        let server = Postgres::start(dir.path(), options).await.unwrap();
        let url = |database: &str| server.url(database);
        let replicas = (0..4).map(|_| provision(url, &[AUTH, PREFS]));
        assert!(join_all(replicas).await.iter().all(Result::is_ok));

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

        let changed = Account { password: "five", ..AUTH };
        provision(url, &[changed]).await.unwrap();
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
