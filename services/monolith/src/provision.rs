//! The roles and the database of a service: made on first use, put right on every later one.
//!
//! The role `<service>_owner` owns the database and runs the migrations. The role `<service>`
//! serves: it reads and writes rows and can change no table. Nobody else may connect.

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
    let (role, password) = (identifier(role), literal(password));
    client.batch_execute(&format!("{verb} ROLE {role} LOGIN PASSWORD {password}")).await
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
    use super::*;

    #[test]
    fn names_and_words_are_quoted() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("a'b"), "'a''b'");
    }
}
