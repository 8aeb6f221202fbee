//! Flags as providers ask for them (OFREP).

use contract_prefs::{
    Evaluation, EvaluationReason as Reason, EvaluationRequest, FLAGS_ENVIRONMENT, FlagEvaluation, NewSegment,
    Writing, routes,
};
use reqwest::Response;
use serde_json::{Value, json};

use crate::{
    events::until,
    flags::{boolean, flag, key, with_production},
    spawn::{Prefs, spawn, start},
};

fn context(context: Value) -> EvaluationRequest {
    EvaluationRequest { context: context.as_object().cloned() }
}

async fn evaluate(prefs: &Prefs, token: &str, name: &str, about: Value) -> Evaluation {
    prefs.client.evaluate(token, "production", &key(name), &context(about)).await.unwrap()
}

/// Sends a body as it is.
async fn send(prefs: &Prefs, token: &str, path: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = prefs.http.post(format!("{}{path}", prefs.base)).bearer_auth(token);
    request.header("content-type", "application/json; charset=utf-8").body(body).send().await.unwrap()
}

#[actix_web::test]
async fn every_type_has_its_values_and_every_value_its_reason() {
    let prefs = spawn().await;
    let token = prefs.user();
    let of_type = |name: &str, kind: &str, value: Value| {
        flag(json!({
            "key": name, "type": kind, "variants": {"it": value}, "default_variant": "it", "off_variant": "it",
            "environments": {"production": {"enabled": true}},
        }))
    };
    for (kind, value) in [
        ("boolean", json!(true)),
        ("string", json!("blue")),
        ("number", json!(2.5)),
        ("object", json!({"a": [1, null]})),
    ] {
        prefs.client.create_flag(&token, &of_type(kind, kind, value.clone())).await.unwrap();
        let found = evaluate(&prefs, &token, kind, json!({})).await;
        assert_eq!((found.value, found.variant.as_str(), found.reason), (value, "it", Reason::Static));
    }
    let rules = json!([{"name": "pros", "when": {"attribute": "plan", "op": "eq", "value": "pro"},
                        "serve": {"variant": "on"}}]);
    let split = json!({"split": [{"variant": "on", "percent": 50}, {"variant": "off", "percent": 50}]});
    let here = json!({"enabled": true, "rules": rules, "otherwise": {"variant": "off"}});
    prefs.client.create_flag(&token, &with_production("targeted", here)).await.unwrap();
    let here = json!({"enabled": true, "otherwise": split});
    prefs.client.create_flag(&token, &with_production("split", here)).await.unwrap();
    prefs.client.create_flag(&token, &flag(boolean("nowhere"))).await.unwrap();
    let pro = evaluate(&prefs, &token, "targeted", json!({"plan": "pro"})).await;
    assert_eq!((pro.variant.as_str(), pro.reason), ("on", Reason::TargetingMatch));
    assert_eq!((&pro.metadata["rule"], &pro.metadata["version"]), (&json!("pros"), &json!(1)));
    assert_eq!(evaluate(&prefs, &token, "targeted", json!({})).await.reason, Reason::Default);
    let ada = evaluate(&prefs, &token, "split", json!({"targetingKey": "ada"})).await;
    assert_eq!(ada.reason, Reason::Split);
    assert_eq!(evaluate(&prefs, &token, "split", json!({"targetingKey": "ada"})).await, ada, "it is sticky");
    let off = evaluate(&prefs, &token, "nowhere", json!({})).await;
    assert_eq!((off.value, off.reason), (json!(false), Reason::Disabled));
}

#[actix_web::test]
async fn what_is_wrong_is_told_as_ofrep_does() {
    let prefs = spawn().await;
    let token = prefs.user();
    let split = json!({"enabled": true, "otherwise": {"split": [{"variant": "on", "percent": 100}]}});
    prefs.client.create_flag(&token, &with_production("split", split)).await.unwrap();
    let deep = format!("{}1{}", r#"{"context": {"a":"#.repeat(500), "}".repeat(1000));
    let cases: [(&str, &str, u16, &str); 10] = [
        ("/nothing", "{}", 404, "FLAG_NOT_FOUND"),
        ("/not%20a%20key", "{}", 404, "FLAG_NOT_FOUND"),
        ("/split", "{}", 400, "TARGETING_KEY_MISSING"),
        ("/split", r#"{"context": {"targetingKey": ""}}"#, 400, "TARGETING_KEY_MISSING"),
        ("/split", r#"{"context": {"targetingKey": 5}}"#, 400, "INVALID_CONTEXT"),
        ("/split", r#"{"context": []}"#, 400, "INVALID_CONTEXT"),
        ("/split", "", 400, "PARSE_ERROR"),
        ("/split", "[]", 400, "PARSE_ERROR"),
        ("/split", &deep, 400, "PARSE_ERROR"),
        ("", "{", 400, "PARSE_ERROR"),
    ];
    for (path, body, status, code) in cases {
        let reply = send(&prefs, &token, &format!("{}{path}", routes::EVALUATE_FLAGS), body.to_owned()).await;
        assert_eq!(reply.status(), status, "{path} {code}");
        assert_eq!(reply.headers()["content-type"], "application/json");
        let failure: Value = reply.json().await.unwrap();
        assert_eq!(failure["errorCode"], code, "{failure}");
        assert!(failure["errorDetails"].is_string());
        assert_eq!(failure["key"].is_string(), !path.is_empty(), "{failure}");
    }
    let long = json!({"context": {"targetingKey": "x".repeat(2_000)}}).to_string();
    let reply = send(&prefs, &token, &format!("{}/split", routes::EVALUATE_FLAGS), long).await;
    assert_eq!(reply.json::<Value>().await.unwrap()["errorCode"], "INVALID_CONTEXT");
    let reply = send(&prefs, &token, &format!("{}/split", routes::EVALUATE_FLAGS), vec![b'x'; 300_000]).await;
    assert_eq!(reply.status(), 413);
    let more = r#"{"context": {"targetingKey": "ada", "at": "2026-01-01"}, "version": 2}"#;
    let reply = send(&prefs, &token, &format!("{}/split", routes::EVALUATE_FLAGS), more).await;
    assert_eq!(reply.status(), 200, "what a newer protocol adds is ignored");
}

#[actix_web::test]
async fn an_environment_is_named_by_a_header() {
    let prefs = spawn().await;
    let token = prefs.user();
    let mut written = boolean("a");
    written["environments"] = json!({"staging": {"enabled": true}});
    prefs.client.create_flag(&token, &flag(written)).await.unwrap();
    let asked = context(json!({}));
    for (environment, reason) in [("staging", Reason::Static), ("production", Reason::Disabled)] {
        let found = prefs.client.evaluate(&token, environment, &key("a"), &asked).await.unwrap();
        assert_eq!((found.reason, &found.metadata["environment"]), (reason, &json!(environment)));
    }
    assert_eq!(evaluate(&prefs, &token, "a", json!({})).await.reason, Reason::Disabled);
    for path in ["/a", ""] {
        let request = prefs.http.post(format!("{}{}{path}", prefs.base, routes::EVALUATE_FLAGS));
        let request = request.bearer_auth(&token).header(FLAGS_ENVIRONMENT, "mars").json(&json!({}));
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 400);
        assert_eq!(reply.json::<Value>().await.unwrap()["errorCode"], "GENERAL");
    }
}

#[actix_web::test]
async fn a_bulk_evaluation_is_told_anew_only_when_a_value_changes() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    let split = json!({"enabled": true, "otherwise": {"split": [{"variant": "on", "percent": 100}]}});
    client.create_flag(&token, &with_production("b", split)).await.unwrap();
    let rules =
        json!([{"when": {"attribute": "plan", "op": "eq", "value": "pro"}, "serve": {"variant": "off"}}]);
    client
        .create_flag(&token, &with_production("a", json!({"enabled": true, "rules": rules})))
        .await
        .unwrap();
    let ask = async |about: Value, known: Option<&str>| {
        client.evaluate_all(&token, "production", &context(about), known).await.unwrap()
    };
    let first = ask(json!({}), None).await.unwrap();
    let [FlagEvaluation::Value(a), FlagEvaluation::Failure(b)] = &first.value.flags[..] else {
        panic!("{first:?}")
    };
    assert_eq!((a.key.as_str(), a.variant.as_str()), ("a", "on"));
    assert_eq!(b.key.as_deref(), Some("b"), "without a targeting key the split fails alone");
    assert_eq!(ask(json!({}), Some(&first.etag)).await, None);
    assert_eq!(ask(json!({"plan": "free"}), Some(&first.etag)).await, None, "the values are the same");
    let pro = ask(json!({"plan": "pro"}), Some(&first.etag)).await.unwrap();
    assert_ne!(pro.etag, first.etag);
    let elsewhere = crate::flags::flag(boolean("z"));
    client.create_flag(&token, &elsewhere).await.unwrap();
    let next = ask(json!({}), Some(&first.etag)).await.unwrap();
    assert_eq!(next.value.flags.len(), 3, "who has written sees it at once");
    client.archive_flag(&token, &key("z"), "*").await.unwrap();
    assert_eq!(ask(json!({}), Some(&first.etag)).await, None, "and it is as it was");
}

#[actix_web::test]
async fn a_changed_segment_changes_all_flags_that_name_it() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    let segment = |value: &str| -> NewSegment {
        serde_json::from_value(json!({"when": {"attribute": "plan", "op": "eq", "value": value}})).unwrap()
    };
    client.put_segment(&token, &key("beta"), Writing::New, &segment("beta")).await.unwrap();
    let rules = json!([{"when": {"segment": "beta"}, "serve": {"variant": "off"}}]);
    client
        .create_flag(&token, &with_production("a", json!({"enabled": true, "rules": rules})))
        .await
        .unwrap();
    assert_eq!(evaluate(&prefs, &token, "a", json!({"plan": "beta"})).await.variant, "off");
    client.put_segment(&token, &key("beta"), Writing::Over("*"), &segment("gamma")).await.unwrap();
    assert_eq!(evaluate(&prefs, &token, "a", json!({"plan": "beta"})).await.variant, "on");
    assert_eq!(evaluate(&prefs, &token, "a", json!({"plan": "gamma"})).await.variant, "off");
}

#[actix_web::test]
async fn every_replica_learns_of_a_change() {
    let prefs = spawn().await;
    let token = prefs.user();
    let (other, _internal, _stop) = start(prefs.database.url(), &prefs.issuer);
    testing::until_ready(&other).await;
    let seen_there = async || {
        let request = prefs.http.post(format!("{other}{}/a", routes::EVALUATE_FLAGS)).bearer_auth(&token);
        request.json(&json!({})).send().await.unwrap().json::<Value>().await.unwrap()["variant"].clone()
    };
    prefs.client.create_flag(&token, &with_production("a", json!({"enabled": true}))).await.unwrap();
    until("the flag", async || seen_there().await == "on").await;
    let off = with_production("a", json!({"enabled": false}));
    prefs.client.replace_flag(&token, &key("a"), "*", &off).await.unwrap();
    until("the change", async || seen_there().await == "off").await;
}

#[actix_web::test]
async fn while_the_database_is_away_flags_are_as_they_were() {
    let prefs = spawn().await;
    let token = prefs.user();
    prefs.client.create_flag(&token, &with_production("a", json!({"enabled": true}))).await.unwrap();
    let before = evaluate(&prefs, &token, "a", json!({})).await;
    let connection = prefs.database.connect().await;
    let accept = "UPDATE pg_database SET datallowconn = $1 WHERE datname = current_database()";
    connection.execute(accept, &[&false]).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    connection.execute(cut, &[]).await.unwrap();
    let began = std::time::Instant::now();
    // Longer than a snapshot is believed.
    while began.elapsed() < std::time::Duration::from_secs(2) {
        assert_eq!(evaluate(&prefs, &token, "a", json!({})).await, before);
    }
    connection.execute(accept, &[&true]).await.unwrap();
    until("the database", async || prefs.client.archive_flag(&token, &key("a"), "*").await.is_ok()).await;
    let asked = context(json!({}));
    until("the change", async || {
        prefs.client.evaluate(&token, "production", &key("a"), &asked).await.is_err()
    })
    .await;
}

/// How often statements of evaluation were run on the database.
async fn looks(prefs: &Prefs) -> i64 {
    let sql = "SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::bigint FROM pg_stat_user_tables
               WHERE relname = 'flag_sets'";
    let connection = prefs.database.connect().await;
    connection.execute("SELECT pg_stat_force_next_flush()", &[]).await.unwrap();
    connection.query_one(sql, &[]).await.unwrap().get(0)
}

#[actix_web::test]
async fn a_thousand_evaluations_are_no_thousand_statements() {
    let prefs = spawn().await;
    let token = prefs.user();
    prefs.client.create_flag(&token, &with_production("a", json!({"enabled": true}))).await.unwrap();
    evaluate(&prefs, &token, "a", json!({})).await;
    let (before, began) = (looks(&prefs).await, std::time::Instant::now());
    // What was written before is counted late, in part.
    let most_before = 20;
    for _ in 0..1_000 {
        evaluate(&prefs, &token, "a", json!({})).await;
    }
    let seconds = began.elapsed().as_secs();
    let most = i64::try_from(seconds).unwrap() + most_before;
    let looked = looks(&prefs).await - before;
    assert!(looked <= most, "{looked} looks in {seconds} s");
}

/// Or one request keeps a thread busy for hours: a list in the context, against every value of a
/// segment, as often as a flag names it.
#[actix_web::test]
async fn no_evaluation_takes_long_however_much_there_is_to_compare() {
    let prefs = spawn().await;
    let token = prefs.user();
    let lists = vec![json!({"attribute": "groups", "op": "in", "value": (0..1000).collect::<Vec<_>>()}); 12];
    let new: NewSegment = serde_json::from_value(json!({"description": "", "when": {"any": lists}})).unwrap();
    prefs.client.put_segment(&token, &key("s"), Writing::New, &new).await.unwrap();
    let when = json!({"any": vec![json!({"segment": "s"}); 2000]});
    let here = json!({"enabled": true, "rules": [{"when": when, "serve": {"variant": "on"}}]});
    prefs.client.create_flag(&token, &with_production("a", here)).await.unwrap();
    let most = vec![json!(0.5); 100];
    let began = std::time::Instant::now();
    let found = evaluate(&prefs, &token, "a", json!({"groups": most})).await;
    assert_eq!(found.reason, Reason::Default);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    for more in [json!(vec![json!(0.5); 101]), json!("x".repeat(4097)), json!({"a": [["x".repeat(4097)]]})] {
        let body = json!({"context": {"groups": more}}).to_string();
        let reply = send(&prefs, &token, "/ofrep/v1/evaluate/flags/a", body).await;
        assert_eq!(reply.status(), 400);
        assert_eq!(reply.json::<Value>().await.unwrap()["errorCode"], "INVALID_CONTEXT");
    }
}
