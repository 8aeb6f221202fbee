use std::{fmt::Display, thread};

use tokio::runtime::Builder;
use tokio_postgres::{Client, NoTls};
use url::Url;
use uuid::Uuid;

use crate::settings::postgres_url;

/// A database of one test's own: cloned from its owner's migrated template, and
/// dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: Url,
}

impl TestDatabase {
    /// Clones the template of `owner` (a service, or a crate with tables of its own),
    /// which `migrate` brings up to date the first time that a test of the run asks.
    /// It is given the template's URL.
    #[expect(clippy::expect_used, reason = "a test without a database cannot go on")]
    pub async fn create(owner: impl Display, migrate: impl AsyncFnOnce(String)) -> Self {
        let admin = connect(&postgres_url()).await;
        let template = format!("template_{owner}");
        make_template(&admin, &template, migrate).await;
        let name = format!("test_{owner}_{}", Uuid::now_v7().simple());
        let clone = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy");
        admin.batch_execute(&clone).await.expect("a clone of the template");
        let url = database_url(&name);
        Self { name, url }
    }

    /// The superuser's URL of this database.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// A connection of the test's own, to look behind the service.
    pub async fn connect(&self) -> Client {
        connect(self.url.as_str()).await
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own, since the test's runtime may be on its way out.
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let work = move || {
            if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
                // Tolerated: the run's server is thrown away with all that is left.
                let _ = runtime.block_on(async { connect(&postgres_url()).await.batch_execute(&drop).await });
            }
        };
        let _ = thread::spawn(work).join();
    }
}

/// One test of the run makes it, under a lock; the others find it.
#[expect(clippy::expect_used, reason = "a test without a database cannot go on")]
async fn make_template(admin: &Client, template: &str, migrate: impl AsyncFnOnce(String)) {
    admin.execute("SELECT pg_advisory_lock(hashtext($1))", &[&template]).await.expect("the template's lock");
    let there = admin
        .query_opt("SELECT FROM pg_database WHERE datname = $1 AND datistemplate", &[&template])
        .await
        .expect("the list of databases");
    if there.is_none() {
        admin
            .batch_execute(&format!("DROP DATABASE IF EXISTS {template}"))
            .await
            .expect("a half-made template");
        admin.batch_execute(&format!("CREATE DATABASE {template}")).await.expect("a template");
        migrate(database_url(template).into()).await;
        let done = format!("ALTER DATABASE {template} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false");
        admin.batch_execute(&done).await.expect("a finished template");
    }
    admin
        .execute("SELECT pg_advisory_unlock(hashtext($1))", &[&template])
        .await
        .expect("the template's lock");
}

#[expect(clippy::expect_used, reason = "a test without a database cannot go on")]
fn database_url(name: &str) -> Url {
    let mut url: Url = postgres_url().parse().expect("PLINTH_TEST_POSTGRES_URL is a URL");
    url.set_path(name);
    url
}

#[expect(clippy::expect_used, reason = "a test without a database cannot go on")]
async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the test run's PostgreSQL");
    tokio::spawn(connection);
    client
}
