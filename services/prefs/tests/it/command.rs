//! The binary and its database, as an operator meets them.

use std::process::{Command, Output};

use serde_json::Value;
use service_discovery::Service;
use service_kit::migrations::{Migrator, State};
use testing::{Issuer, Person, TestDatabase};

use crate::spawn::{SEALING_KEYS, USER, spawn, start};

/// Runs the binary to its end with these variables and no others.
fn prefs(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prefs"));
    command.args(arguments).env_clear().envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn every_wrong_setting_is_named_at_once() {
    let wrong =
        [("PREFS__HTTP__BIND", "nowhere"), ("PREFS__DATABSE__URL", "x"), ("AUTH_SERVICE_URL", "ftp://a")];
    for arguments in [&["check-config"][..], &["--check-config"], &["serve"], &["migrate"], &[]] {
        let output = prefs(arguments, &wrong);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        for variable in [
            "PREFS__DATABASE__URL: is missing",
            "PREFS__SEALING__KEYS: is missing",
            "PREFS__CLIENT__SECRET: is missing",
            "PREFS__HTTP__BIND",
            "PREFS__DATABSE__URL",
            "AUTH_SERVICE_URL",
        ] {
            assert!(told.contains(variable), "{variable} in {told}");
        }
    }
    let right = [
        ("PREFS__DATABASE__URL", "postgres://prefs@127.0.0.1:1/prefs"),
        ("PREFS__SEALING__KEYS", SEALING_KEYS),
        ("PREFS__CLIENT__SECRET", "a secret that is shown to auth alone"),
    ];
    assert!(prefs(&["check-config"], &right).status.success(), "it connects to nothing");
}

#[test]
fn the_openapi_document_needs_no_settings() {
    let output = prefs(&["openapi"], &[]);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, serde_json::to_value(prefs::openapi()).unwrap());
}

#[actix_web::test]
async fn the_schema_can_be_taken_back_and_made_again() {
    let migrator = |url: &str| Migrator::new(url, None, prefs::migrations().unwrap()).unwrap();
    let up = async |url: String| drop(migrator(&url).up().await.unwrap());
    let database = TestDatabase::create(Service::Prefs, up).await;
    let all = prefs::migrations().unwrap().migrations().len();
    let back = migrator(database.url()).down(all).await.unwrap();
    assert_eq!(back.len(), all);
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename IN ('namespaces', 'documents')";
    let left: i64 = database.connect().await.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);

    let variables = [
        ("PREFS__DATABASE__URL", database.url()),
        ("PREFS__DATABASE__OWNER_URL", database.url()),
        ("PREFS__SEALING__KEYS", SEALING_KEYS),
        ("PREFS__EVENTS__SUBSCRIBERS", ""),
    ];
    for told in ["applied:", "nothing to do"] {
        let output = prefs(&["migrate"], &variables);
        assert!(String::from_utf8_lossy(&output.stdout).starts_with(told), "{output:?}");
    }
    let history = migrator(database.url()).history().await.unwrap();
    assert!(history.entries.iter().all(|entry| matches!(entry.state, State::Applied(_))), "{history:?}");
}

#[actix_web::test]
async fn without_its_database_it_lives_but_is_not_ready() {
    let issuer = Issuer::start();
    let (base, internal, _stop) = start("postgres://prefs@127.0.0.1:1/prefs", &issuer);
    let token = issuer.token(Service::Prefs, &Person::with_scopes(USER));
    let unready = async || testing::http().get(format!("{base}/readyz")).send().await.unwrap().text().await;
    while unready().await.unwrap().contains("revocations") {}
    for (path, status, code) in [
        ("/healthz", 200, &Value::Null),
        ("/readyz", 503, &Value::from("not_ready")),
        ("/api/v1/prefs", 503, &Value::from("database_unavailable")),
    ] {
        let request = testing::http().get(format!("{base}{path}")).bearer_auth(&token);
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), status, "{path}");
        assert!(!path.starts_with("/api") || reply.headers()["retry-after"] == "1");
        let body: Value = reply.json().await.unwrap();
        assert_eq!(body["code"], *code, "{path}: {body}");
    }
    let checked = healthcheck(&internal).await;
    let told = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(1));
    assert!(told.starts_with("not ready: /database the database is not available"), "{told}");
}

#[actix_web::test]
async fn a_health_check_says_whether_the_service_can_serve() {
    let prefs = spawn().await;
    let checked = healthcheck(&prefs.internal).await;
    assert!(checked.status.success() && checked.stdout == b"ready\n", "{checked:?}");

    let checked = healthcheck("http://0.0.0.0:1").await;
    let told = String::from_utf8(checked.stderr).unwrap();
    assert!(checked.status.code() == Some(1) && told.starts_with("nobody answers on port 1"), "{told}");
}

/// The binary's question to the service whose internal listener is there.
async fn healthcheck(internal: &str) -> Output {
    let bind = internal.trim_start_matches("http://").to_owned();
    let ask = move || prefs(&["healthcheck"], &[("PREFS__HTTP__INTERNAL_BIND", &bind)]);
    tokio::task::spawn_blocking(ask).await.unwrap()
}
