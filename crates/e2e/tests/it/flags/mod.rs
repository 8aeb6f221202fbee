//! Stock OpenFeature providers against a Plinth, unmodified, and the guide's own programs.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use contract_prefs::FlagDefinition;
use e2e::{Plinth, Somebody};
use serde_json::{Value, json};

use crate::protect::programs::{guides, installed};

const GUIDE: &str = "feature-flags-in-five-minutes";

/// Where the guide's files are.
fn guide() -> PathBuf {
    guides().join(GUIDE)
}

/// One of our programs in Node, beside the packages that the guide's lock file names.
fn node(script: &str, plinth: &Plinth, key: &str) -> Command {
    let place = installed(GUIDE, "node", "package-lock.json");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/flags").join(script);
    if own.exists() {
        fs::copy(own, place.join(script)).unwrap();
    }
    let mut command = Command::new("node");
    command.arg(place.join(script)).env("PLINTH", plinth.url()).env("KEY", key);
    command
}

/// What a program prints.
fn printed(mut command: Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

async fn flag(ada: &Somebody, written: Value) {
    let new: FlagDefinition = serde_json::from_value(written).unwrap();
    ada.prefs.create_flag(ada.token().expose(), &new).await.unwrap();
}

/// A flag of each type, and one for each reason.
async fn flags(ada: &Somebody) {
    for (kind, value) in [
        ("boolean", json!(true)),
        ("string", json!("blue")),
        ("number", json!(2.5)),
        ("object", json!({"a": [1, null]})),
    ] {
        flag(ada, json!({
            "key": kind, "type": kind, "variants": {"it": value}, "default_variant": "it", "off_variant": "it",
            "environments": {"production": {"enabled": true}},
        }))
        .await;
    }
    let rules = json!([{"name": "pros", "when": {"attribute": "plan", "op": "eq", "value": "pro"},
                        "serve": {"variant": "b"}}]);
    flag(
        ada,
        json!({
            "key": "targeted", "type": "string", "variants": {"a": "A", "b": "B"}, "default_variant": "a",
            "off_variant": "a", "environments": {"production": {"enabled": true, "rules": rules}},
        }),
    )
    .await;
    let on_off = json!({"on": true, "off": false});
    let split = json!([{"variant": "on", "percent": 100}, {"variant": "off", "percent": 0}]);
    flag(ada, json!({
        "key": "split", "type": "boolean", "variants": on_off, "default_variant": "off", "off_variant": "off",
        "environments": {"production": {"enabled": true, "otherwise": {"split": split}}},
    }))
    .await;
    flag(ada, json!({
        "key": "disabled", "type": "boolean", "variants": on_off, "default_variant": "on", "off_variant": "off",
        "environments": {"staging": {"enabled": true}},
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_openfeature_provider_evaluates_against_plinth() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    flags(&ada).await;
    let key = ada.api_key(&["flags:read"]).await;
    let printed = printed(node("server.mjs", &plinth, key.expose()));
    let told = |name: &str| -> Value {
        let lines = printed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.into_iter().find(|line| line["name"] == name).unwrap()
    };
    for (name, value, reason) in [
        ("boolean", json!(true), "STATIC"),
        ("string", json!("blue"), "STATIC"),
        ("number", json!(2.5), "STATIC"),
        ("object", json!({"a": [1, null]}), "STATIC"),
        ("targeted", json!("B"), "TARGETING_MATCH"),
        ("others", json!("A"), "DEFAULT"),
        ("split", json!(true), "SPLIT"),
        ("disabled", json!(false), "DISABLED"),
        ("bearer", json!(true), "STATIC"),
        ("staging", json!(true), "STATIC"),
    ] {
        let found = told(name);
        assert_eq!((&found["value"], &found["reason"]), (&value, &json!(reason)), "{found}");
        assert!(found["error"].is_null(), "{found}");
    }
    assert_eq!(told("targeted")["metadata"]["rule"], "pros");
    for (name, value, error) in [
        ("missing", json!(true), "FLAG_NOT_FOUND"),
        ("keyless", json!(true), "TARGETING_KEY_MISSING"),
        ("mistyped", json!(7), "TYPE_MISMATCH"),
        ("unauthorised", json!(false), "GENERAL"),
    ] {
        let found = told(name);
        assert_eq!((&found["value"], &found["error"]), (&value, &json!(error)), "{found}");
    }
}

/// A program that talks, until this value ends.
struct Talking(Child);

impl Drop for Talking {
    fn drop(&mut self) {
        // Tolerated: it may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_web_provider_polls_and_is_told_of_changes() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    flags(&ada).await;
    let key = ada.api_key(&["flags:read"]).await;
    let mut command = node("web.mjs", &plinth, key.expose());
    let mut page = Talking(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(page.0.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let first = next();
    assert_eq!((&first["boolean"], &first["targeted"]), (&json!(true), &json!("B")), "{first}");
    assert_eq!(first["missing"], "my own");
    let statuses: Vec<_> =
        first["statuses"].as_array().unwrap().iter().map(|status| status.as_u64()).collect();
    assert_eq!(statuses[0], Some(200));
    assert!(statuses[1..].iter().all(|status| *status == Some(304)), "{statuses:?}");
    let (token, targeted) = (ada.token().expose(), "targeted".parse().unwrap());
    ada.prefs.archive_flag(token, &targeted, "*").await.unwrap();
    page.0.stdin.as_mut().unwrap().write_all(b"next\n").unwrap();
    let second = next();
    assert_eq!((&second["boolean"], &second["targeted"]), (&json!(true), &json!("none")), "{second}");
    assert!(second["statuses"].as_array().unwrap().contains(&json!(200)), "{second}");
    assert!(page.0.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_feature_flags_does_what_it_says() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let mut script = Command::new("sh");
    script.arg(guide().join("node/flag.sh")).env("PLINTH", plinth.url()).env("TOKEN", ada.token().expose());
    let made = printed(script);
    assert!(
        made.contains(r#""key":"new-checkout","value":true,"variant":"on","reason":"TARGETING_MATCH""#),
        "{made}"
    );
    let key = ada.api_key(&["flags:read"]).await;
    let server = printed(node("checkout.mjs", &plinth, key.expose()));
    assert_eq!(server, "new-checkout true\nno-such-flag my own\n");
    assert_eq!(printed(node("page.mjs", &plinth, key.expose())), "new-checkout true\n");
}

#[test]
fn the_guide_to_feature_flags_shows_its_files_as_they_are() {
    let text = fs::read_to_string(guide().with_extension("md")).unwrap();
    for file in ["flag.sh", "checkout.mjs", "page.mjs"] {
        let shown = fs::read_to_string(guide().join("node").join(file)).unwrap();
        assert!(text.contains(&shown), "{file}");
    }
}
