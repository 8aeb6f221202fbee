//! What administrators register.

use contract_prefs::{Writing, audited};
use serde_json::{Value, json};

use crate::spawn::{closed, field, namespace, refused, spawn};

#[actix_web::test]
async fn a_namespace_is_registered_read_and_replaced() {
    let prefs = spawn().await;
    let (token, name) = (prefs.admin(), "editor".parse().unwrap());
    let new = namespace(closed(json!({"tabs": {"type": "integer"}})), json!({"tabs": 4}));
    let created = prefs.client.put_namespace(&token, &name, Writing::New, &new).await.unwrap();
    assert_eq!((created.etag.as_str(), created.value.version), ("\"1\"", 1));
    assert_eq!(created.value.schema, new.schema);
    assert_eq!(prefs.client.namespace(&token, &name).await.unwrap(), created);

    let twice = refused(prefs.client.put_namespace(&token, &name, Writing::New, &new).await);
    assert_eq!((twice.status, twice.code.as_str()), (412, "precondition_failed"));
    let next = namespace(new.schema.clone(), json!({"tabs": 2}));
    let writing = Writing::Over(&created.etag);
    let replaced = prefs.client.put_namespace(&token, &name, writing, &next).await.unwrap();
    assert_eq!((replaced.etag.as_str(), replaced.value.id), ("\"2\"", created.value.id));
    let stale = refused(prefs.client.put_namespace(&token, &name, writing, &next).await);
    assert_eq!(stale.status, 412);
    let read = prefs.client.document(&prefs.user(), &name).await.unwrap();
    assert_eq!((&read.value["tabs"], read.etag.as_str()), (&json!(2), "\"2.0.0\""));
}

#[actix_web::test]
async fn everything_that_the_contract_lists_is_audited() {
    let prefs = spawn().await;
    let name = prefs.register("editor", closed(json!({})), json!({})).await;
    prefs.replace(&name, closed(json!({"tabs": {"type": "integer"}})), json!({"tabs": 4})).await;
    let secret = namespace(closed(json!({"api_key": {"type": "string"}})), json!({}));
    refused(prefs.client.put_namespace(&prefs.admin(), &name, Writing::Over("*"), &secret).await);
    let (_, _, keeper) = prefs.member_and_keeper();
    prefs.client.reset_organization(&keeper, &name, "*").await.unwrap();
    let sql = "SELECT action, details::text FROM audit_log ORDER BY id";
    let rows = prefs.database.connect().await.query(sql, &[]).await.unwrap();
    let actions: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(actions, audited::ALL.map(|action| action.name), "nothing is written of what was refused");
    let details: Vec<Value> = rows.iter().map(|row| serde_json::from_str(row.get(1)).unwrap()).collect();
    let reset = json!({"namespace": "editor", "version": 1, "change": "reset"});
    assert_eq!(details, [json!({"name": "editor"}), json!({"name": "editor", "version": 2}), reset]);
}

#[actix_web::test]
async fn what_is_there_is_never_replaced_by_chance() {
    let prefs = spawn().await;
    let new = namespace(closed(json!({})), json!({}));
    let put = |name: &str| {
        let url = format!("{}/api/v1/admin/prefs/namespaces/{name}", prefs.base);
        prefs.http.put(url).bearer_auth(prefs.admin()).json(&new)
    };
    assert_eq!(put("fresh").send().await.unwrap().status(), 201);
    assert_eq!(put("fresh").send().await.unwrap().status(), 428);
    assert_eq!(put("never").header("if-match", "*").send().await.unwrap().status(), 412);
    assert_eq!(put("never").header("if-match", "\"1\"").send().await.unwrap().status(), 412);
    assert_eq!(put("never").header("if-match", "1").send().await.unwrap().status(), 400);
    let known = prefs.http.get(format!("{}/api/v1/admin/prefs/namespaces/fresh", prefs.base));
    let known = known.bearer_auth(prefs.admin()).header("if-none-match", "\"1\"").send().await.unwrap();
    assert_eq!(known.status(), 304);
}

#[actix_web::test]
async fn of_many_who_register_or_replace_at_once_one_does() {
    let prefs = spawn().await;
    let (token, name) = (prefs.admin(), "race".parse().unwrap());
    let new = namespace(closed(json!({})), json!({}));
    for writing in [Writing::New, Writing::Over("\"1\"")] {
        let attempts = (0..20).map(|_| prefs.client.put_namespace(&token, &name, writing, &new));
        let outcomes = futures_util::future::join_all(attempts).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for outcome in outcomes.into_iter().filter(Result::is_err) {
            assert_eq!(refused(outcome).status, 412);
        }
    }
}

#[actix_web::test]
async fn the_list_comes_in_pages() {
    let prefs = spawn().await;
    for number in 0..4 {
        prefs.register(&format!("n{number}"), closed(json!({})), json!({})).await;
    }
    let token = prefs.admin();
    let (mut names, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = prefs.client.namespaces(&token, 3, cursor.as_deref()).await.unwrap();
        assert!(page.data.len() <= 3);
        names.extend(page.data.into_iter().map(|namespace| namespace.name.to_string()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, ["appearance", "locale", "notifications", "n0", "n1", "n2", "n3"]);
}

#[actix_web::test]
async fn a_namespace_that_would_do_harm_is_refused() {
    let prefs = spawn().await;
    let (token, name) = (prefs.admin(), "harm".parse().unwrap());
    let secret = closed(json!({"smtp_password": {"type": "string"}}));
    let remote = closed(json!({"a": {"$ref": "http://127.0.0.1:1/a.json"}}));
    let file = closed(json!({"a": {"$ref": "file:///etc/passwd"}}));
    let cases: [(Value, Value, &str, &str); 7] = [
        (secret, json!({}), "/schema/properties/smtp_password", "secret_refused"),
        (remote, json!({}), "/schema/properties/a/$ref", "reference_refused"),
        (file, json!({}), "/schema/properties/a/$ref", "reference_refused"),
        (json!({"type": "object"}), json!({}), "/schema/additionalProperties", "object_open"),
        (json!({"type": "array"}), json!({}), "/schema", "schema_not_an_object"),
        (
            closed(json!({"a": {"pattern": "(?=a)"}})),
            json!({}),
            "/schema/properties/a/pattern",
            "schema_invalid",
        ),
        (closed(json!({"a": {"type": "null"}})), json!({"a": 1}), "/defaults/a", "wrong_type"),
    ];
    for (schema, defaults, at, code) in cases {
        let new = namespace(schema, defaults);
        let problem = refused(prefs.client.put_namespace(&token, &name, Writing::New, &new).await);
        assert_eq!(problem.status, 422);
        assert_eq!(field(&problem), (at, code));
    }
    for (name, code) in [("history", "namespace_name_reserved"), ("Big", "namespace_name_invalid")] {
        let url = format!("{}/api/v1/admin/prefs/namespaces/{name}", prefs.base);
        let new = namespace(closed(json!({})), json!({}));
        let reply = prefs.http.put(url).bearer_auth(&token).json(&new).send().await.unwrap();
        assert_eq!(reply.status(), 422);
        assert_eq!(reply.json::<Value>().await.unwrap()["code"], code);
    }
    assert_eq!(refused(prefs.client.namespace(&token, &name).await).status, 404);
}
