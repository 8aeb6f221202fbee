use audit::{By, Entry};
use tokio_postgres::Client;

use crate::spawn::{BANNED, log, migrate};

const CHANGES: [&str; 4] = [
    "UPDATE audit_log SET actor = 'nobody'",
    "UPDATE audit_log SET actor = 'nobody' WHERE false",
    "DELETE FROM audit_log",
    "TRUNCATE audit_log",
];

const WRITE: &str = "INSERT INTO audit_log (id, actor, action, details, created_at)
                     VALUES (gen_random_uuid(), 'operator', 'user.banned', '{}', now())";

async fn refusal(client: &Client, sql: &str) -> String {
    let error = client.batch_execute(sql).await.expect_err(sql);
    error.as_db_error().unwrap().message().to_owned()
}

#[actix_web::test]
async fn not_even_the_superuser_changes_an_entry() {
    let log = log().await;
    log.record(&By::operator(), Entry::of(BANNED)).await;
    let client = log.database.connect().await;
    for change in CHANGES {
        let message = refusal(&client, change).await;
        assert!(message.contains("append-only"), "{change}: {message}");
    }
}

/// The roles as `plinth` provisions them: one owns and migrates, the other serves
/// with what the owner's default privileges give.
#[actix_web::test]
async fn the_serving_role_may_write_and_read_and_nothing_else() {
    let log = log().await;
    let client = log.database.connect().await;
    let (owner, serving) = (format!("owner_{}", log.name()), format!("serving_{}", log.name()));
    let roles = format!(
        "CREATE ROLE {owner} LOGIN PASSWORD '{owner}'; CREATE ROLE {serving}; CREATE SCHEMA own AUTHORIZATION {owner};
         ALTER ROLE {owner} SET search_path = own; ALTER ROLE {serving} SET search_path = own;
         GRANT USAGE ON SCHEMA own TO {serving};
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {serving}"
    );
    client.batch_execute(&roles).await.unwrap();
    migrate(&log.url_as(&owner)).await;
    client.batch_execute(&format!("SET search_path = own; SET ROLE {serving}")).await.unwrap();
    client.batch_execute(WRITE).await.unwrap();
    assert_eq!(client.query("SELECT * FROM audit_log", &[]).await.unwrap().len(), 1);
    let disarm = [
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "DROP TABLE audit_log",
        "SET session_replication_role = replica",
    ];
    for refused in CHANGES.iter().chain(&disarm) {
        let message = refusal(&client, refused).await;
        assert!(
            message.contains("permission denied") || message.contains("must be owner"),
            "{refused}: {message}"
        );
    }
    client.batch_execute(&format!("RESET ROLE; SET ROLE {owner}")).await.unwrap();
    for change in CHANGES {
        assert!(refusal(&client, change).await.contains("append-only"), "{change}");
    }
    let drop = format!(
        "RESET ROLE; DROP OWNED BY {owner} CASCADE; DROP OWNED BY {serving}; DROP ROLE {owner}, {serving}"
    );
    client.batch_execute(&drop).await.unwrap();
}
