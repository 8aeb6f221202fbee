use std::time::{Duration, Instant};

use tokio_postgres::{Client, Error, NoTls};

use crate::Plinth;

/// A look into the tables of one service, as its serving role. It says what a client
/// cannot see: that something happened once, and that nothing is left of it.
#[derive(Debug)]
pub struct Tables {
    url: String,
}

impl Tables {
    /// Of the database at `url`.
    #[must_use]
    pub const fn at(url: String) -> Self {
        Self { url }
    }

    /// Of a service of a running Plinth.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that cannot look proves nothing")]
    pub fn of(plinth: &Plinth, service: &str) -> Self {
        let endpoints = plinth.endpoints().expect("it is ready");
        let url = endpoints["services"][service]["database_url"].as_str();
        Self::at(url.expect("it has a database").to_owned())
    }

    /// A connection.
    ///
    /// # Errors
    /// When the server is away.
    pub async fn connect(&self) -> Result<Client, Error> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// The one number that `sql` asks for.
    ///
    /// # Errors
    /// When the server is away, or `sql` is wrong.
    pub async fn number(&self, sql: &str) -> Result<i64, Error> {
        Ok(self.connect().await?.query_one(sql, &[]).await?.get(0))
    }

    /// Waits until `sql` gives `wanted`; the server may be away meanwhile.
    pub async fn until(&self, sql: &str, wanted: i64, patience: Duration) {
        let (began, mut connection) = (Instant::now(), None);
        loop {
            let found = self.ask(&mut connection, sql).await;
            if found.as_ref().is_ok_and(|number| *number == wanted) {
                return;
            }
            let is_wrong =
                found.as_ref().is_err_and(|why| why.code().is_some_and(|code| code.code().starts_with("42")));
            assert!(!is_wrong && began.elapsed() < patience, "{wanted} never came, but {found:?}: {sql}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Over the same connection as the last time, unless that failed.
    async fn ask(&self, connection: &mut Option<Client>, sql: &str) -> Result<i64, Error> {
        let client = match connection.take() {
            Some(client) => client,
            None => self.connect().await?,
        };
        let number = client.query_one(sql, &[]).await?.get(0);
        *connection = Some(client);
        Ok(number)
    }

    /// Holds several numbers against what they must be, and names all that are not.
    #[expect(clippy::expect_used, reason = "a test that cannot look proves nothing")]
    pub async fn hold(&self, expected: &[(&str, i64)]) {
        let mut wrong = Vec::new();
        for (sql, wanted) in expected {
            let found = self.number(sql).await.expect("an answer");
            if found != *wanted {
                wrong.push(format!("{found} instead of {wanted}: {sql}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
