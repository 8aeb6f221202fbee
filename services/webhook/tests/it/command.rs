//! The binary and its database, as an operator meets them.

use std::process::{Command, Output};

use serde_json::Value;
use service_discovery::Service;
use service_kit::migrations::{Migrator, State};
use testing::{Issuer, Person, TestDatabase};

use crate::spawn::{READER, SEALING_KEYS, start};

/// Runs the binary to its end with these variables and no others.
fn webhook(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_webhook"));
    command.args(arguments).env_clear().envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn every_wrong_setting_is_named_at_once() {
    let wrong =
        [("WEBHOOK__HTTP__BIND", "nowhere"), ("WEBHOOK__DATABSE__URL", "x"), ("AUTH_SERVICE_URL", "ftp://a")];
    for arguments in [&["check-config"][..], &["--check-config"], &["serve"], &["migrate"], &[]] {
        let output = webhook(arguments, &wrong);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        for variable in [
            "WEBHOOK__DATABASE__URL: is missing",
            "WEBHOOK__SEALING__KEYS: is missing",
            "WEBHOOK__CLIENT__SECRET: is missing",
            "WEBHOOK__HTTP__BIND",
            "WEBHOOK__DATABSE__URL",
            "AUTH_SERVICE_URL",
        ] {
            assert!(told.contains(variable), "{variable} in {told}");
        }
    }
    let right = [
        ("WEBHOOK__DATABASE__URL", "postgres://webhook@127.0.0.1:1/webhook"),
        ("WEBHOOK__SEALING__KEYS", SEALING_KEYS),
        ("WEBHOOK__EVENTS__SUBSCRIBERS", ""),
    ];
    assert!(webhook(&["check-config"], &right).status.success(), "it connects to nothing");
}

#[test]
fn the_openapi_document_needs_no_settings() {
    let output = webhook(&["openapi"], &[]);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, serde_json::to_value(webhook::openapi()).unwrap());
}

#[actix_web::test]
async fn the_schema_can_be_taken_back_and_made_again() {
    let migrator = |url: &str| Migrator::new(url, None, webhook::migrations().unwrap()).unwrap();
    let up = async |url: String| drop(migrator(&url).up().await.unwrap());
    let database = TestDatabase::create(Service::Webhook, up).await;
    let all = webhook::migrations().unwrap().migrations().len();
    let back = migrator(database.url()).down(all).await.unwrap();
    assert_eq!(back.len(), all);
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename IN ('endpoints', 'endpoint_secrets')";
    let left: i64 = database.connect().await.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);

    let variables = [
        ("WEBHOOK__DATABASE__URL", database.url()),
        ("WEBHOOK__DATABASE__OWNER_URL", database.url()),
        ("WEBHOOK__SEALING__KEYS", SEALING_KEYS),
        ("WEBHOOK__EVENTS__SUBSCRIBERS", ""),
    ];
    for told in ["applied:", "nothing to do"] {
        let output = webhook(&["migrate"], &variables);
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(told), "{output:?}");
    }
    let history = migrator(database.url()).history().await.unwrap();
    assert!(history.entries.iter().all(|entry| matches!(entry.state, State::Applied(_))), "{history:?}");
}

#[actix_web::test]
async fn without_its_database_it_lives_but_is_not_ready() {
    let issuer = Issuer::start();
    let (base, _, _stop) = start("postgres://webhook@127.0.0.1:1/webhook", &issuer, &[]);
    let token = issuer.token(Service::Webhook, &Person::with_scopes(READER));
    let unready = async || testing::http().get(format!("{base}/readyz")).send().await.unwrap().text().await;
    while unready().await.unwrap().contains("revocations") {}
    for (path, status, code) in [
        ("/healthz", 200, &Value::Null),
        ("/readyz", 503, &Value::from("not_ready")),
        ("/api/v1/webhooks/endpoints", 503, &Value::from("database_unavailable")),
    ] {
        let request = testing::http().get(format!("{base}{path}")).bearer_auth(&token);
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), status, "{path}");
        assert!(!path.starts_with("/api") || reply.headers()["retry-after"] == "1");
        let body: Value = reply.json().await.unwrap();
        assert_eq!(body["code"], *code, "{path}: {body}");
    }
}
