//! What is stored is led to a new schema: for whoever reads at once, where it is stored by
//! and by.

use contract_prefs::{
    MappedValue, MigrationStep, NamespaceName, NewNamespace, PreferenceChange, PreferenceDocument, Writing,
};
use serde_json::{Value, json};

use crate::{
    events::until,
    spawn::{Prefs, closed, document, field, namespace, refused, spawn, value},
};

/// How many layers are behind their namespace.
const BEHIND: &str = "SELECT count(*) FROM documents d JOIN namespaces n ON n.name = d.namespace
                      WHERE d.fits < n.version";

fn first() -> Value {
    closed(
        json!({"colour": {"enum": ["night", "day"]}, "size": {"type": "integer"}, "old": {"type": "string"}}),
    )
}

/// `colour` becomes `look.theme` with other words, `old` goes.
fn second() -> NewNamespace {
    let look = closed(json!({"theme": {"enum": ["dark", "light"]}}));
    let schema = closed(json!({"look": look, "size": {"type": "integer", "maximum": 20}}));
    let mapped = |from: &str, to: &str| MappedValue { from: json!(from), to: json!(to) };
    let values = vec![mapped("night", "dark"), mapped("day", "light")];
    NewNamespace {
        migration: vec![
            MigrationStep::Move { from: "/colour".to_owned(), path: "/look/theme".to_owned() },
            MigrationStep::Map { path: "/look/theme".to_owned(), values },
            MigrationStep::Remove { path: "/old".to_owned() },
        ],
        ..namespace(schema, json!({"look": {"theme": "light"}, "size": 1}))
    }
}

async fn registered(prefs: &Prefs) -> NamespaceName {
    prefs.register("panel", first(), json!({"colour": "day", "size": 1})).await
}

async fn replace(prefs: &Prefs, panel: &NamespaceName, new: &NewNamespace) {
    prefs.client.put_namespace(&prefs.admin(), panel, Writing::Over("*"), new).await.unwrap();
}

/// Holds up the jobs of migrations, so that what is read is what readers make of it.
async fn hold(prefs: &Prefs) {
    let hold = "CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN NEW.state := 'scheduled'; NEW.run_at := now() + interval '1 hour'; RETURN NEW; END $$;
                CREATE TRIGGER held BEFORE INSERT ON jobs FOR EACH ROW
                WHEN (NEW.kind = 'prefs.migrate_documents') EXECUTE FUNCTION held()";
    prefs.database.connect().await.batch_execute(hold).await.unwrap();
}

async fn release(prefs: &Prefs) {
    let due = "UPDATE jobs SET run_at = now() WHERE kind = 'prefs.migrate_documents'";
    prefs.database.connect().await.execute(due, &[]).await.unwrap();
}

async fn choose(prefs: &Prefs, token: &str, panel: &NamespaceName, body: Value) -> PreferenceDocument {
    prefs.client.replace_document(token, panel, "*", &document(body)).await.unwrap().value
}

#[actix_web::test]
async fn what_was_chosen_is_led_to_the_new_schema_before_and_after_it_is_stored_so() {
    let prefs = spawn().await;
    let (_, member, keeper) = prefs.member_and_keeper();
    let (plain, panel) = (prefs.user(), registered(&prefs).await);
    choose(&prefs, &member, &panel, json!({"colour": "night", "old": "x"})).await;
    choose(&prefs, &plain, &panel, json!({"size": 9})).await;
    let chosen = document(json!({"colour": "day", "size": 4}));
    prefs.client.replace_organization(&keeper, &panel, "*", &chosen).await.unwrap();
    let locks = contract_prefs::Locks { locks: vec!["/colour".to_owned()] };
    prefs.client.lock(&keeper, &panel, "*", &locks).await.unwrap();
    hold(&prefs).await;
    replace(&prefs, &panel, &second()).await;

    let organization = prefs.client.organization(&keeper, &panel).await.unwrap();
    assert_eq!(organization.value.locks, ["/look/theme"]);
    let before = prefs.client.document(&member, &panel).await.unwrap();
    assert_eq!(value(&before), json!({"look": {"theme": "light"}, "size": 4}));
    assert_eq!(before.etag, "\"2.2.1\"");
    let plains = prefs.client.document(&plain, &panel).await.unwrap();
    assert_eq!(value(&plains), json!({"look": {"theme": "light"}, "size": 9}));
    assert_eq!(prefs.number(BEHIND).await, 3);

    release(&prefs).await;
    until("all to be led", async || prefs.number(BEHIND).await == 0).await;
    let after = prefs.client.document(&member, &panel).await.unwrap();
    assert_eq!((&after.value, after.etag.as_str()), (&before.value, "\"2.3.2\""));
    assert_eq!(
        prefs.client.document(&plain, &panel).await.unwrap(),
        plains,
        "what stays as it is keeps its tag"
    );
    let history = prefs.client.history(&member, &panel, 10, None).await.unwrap().data;
    assert_eq!((history[0].change, history[0].changed_by), (PreferenceChange::Migrated, None));
    assert_eq!(Value::Object(history[0].overrides.clone()), json!({"look": {"theme": "dark"}}));
    prefs.client.lock(&keeper, &panel, "*", &contract_prefs::Locks::default()).await.unwrap();
    let own = prefs.client.document(&member, &panel).await.unwrap();
    assert_eq!(own.value["look"]["theme"], "dark", "what was locked was led, too");
}

#[actix_web::test]
async fn what_does_not_fit_is_left_out_of_what_is_read_and_kept() {
    let prefs = spawn().await;
    let (token, panel) = (prefs.user(), registered(&prefs).await);
    choose(&prefs, &token, &panel, json!({"colour": "night", "size": 99})).await;
    let stored = prefs.stored().await;
    replace(&prefs, &panel, &second()).await;
    let done = "SELECT count(*) FROM jobs_history WHERE kind = 'prefs.migrate_documents'";
    until("the migration to end", async || prefs.number(done).await == 1).await;
    let read = prefs.client.document(&token, &panel).await.unwrap();
    assert_eq!(value(&read), json!({"look": {"theme": "dark"}, "size": 1}));
    assert_eq!(prefs.stored().await, stored);
    // A wider schema brings it back.
    let mut wider = second();
    wider.schema["properties"]["size"] = json!({"type": "integer"});
    wider.migration.clear();
    replace(&prefs, &panel, &wider).await;
    until("all to be led", async || prefs.number(BEHIND).await == 0).await;
    let read = prefs.client.document(&token, &panel).await.unwrap();
    assert_eq!(value(&read), json!({"look": {"theme": "dark"}, "size": 99}));
}

#[actix_web::test]
async fn an_earlier_version_is_led_to_the_schema_of_today_when_it_is_restored() {
    let prefs = spawn().await;
    let (token, panel) = (prefs.user(), registered(&prefs).await);
    choose(&prefs, &token, &panel, json!({"colour": "night", "size": 99, "old": "x"})).await;
    prefs.client.reset_document(&token, &panel, "*").await.unwrap();
    replace(&prefs, &panel, &second()).await;
    let restored = prefs.client.restore(&token, &panel, "*", 1).await.unwrap();
    assert_eq!(value(&restored), json!({"look": {"theme": "dark"}, "size": 1}));
}

#[actix_web::test]
async fn many_are_led_though_it_is_interrupted_and_others_write_meanwhile() {
    let prefs = spawn().await;
    let panel = registered(&prefs).await;
    let crowd = "INSERT INTO documents (org_id, owner_id, namespace, layer, version, fits, updated_at)
                 SELECT gen_random_uuid(), gen_random_uuid(), 'panel', '{\"colour\": \"night\"}', 1, 1, now()
                 FROM generate_series(1, 450)";
    prefs.database.connect().await.execute(crowd, &[]).await.unwrap();
    // The third portion fails once, after some were written.
    let fails = "CREATE SEQUENCE tries;
        CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF nextval('tries') = 250 THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER fails BEFORE INSERT ON document_versions FOR EACH ROW
        WHEN (NEW.change = 'migrated') EXECUTE FUNCTION fails()";
    prefs.database.connect().await.batch_execute(fails).await.unwrap();
    let token = prefs.user();
    choose(&prefs, &token, &panel, json!({"size": 2})).await;
    replace(&prefs, &panel, &second()).await;
    for size in 3..13 {
        choose(&prefs, &token, &panel, json!({"size": size})).await;
    }
    until("all to be led", async || prefs.number(BEHIND).await == 0).await;
    let led =
        "SELECT count(*) FROM documents WHERE layer = '{\"look\": {\"theme\": \"dark\"}}' AND version = 2";
    assert_eq!(prefs.number(led).await, 450);
    let kept = "SELECT count(*) FROM document_versions WHERE change = 'migrated' AND changed_by IS NULL";
    assert_eq!(prefs.number(kept).await, 450, "each once");
    assert_eq!(value(&prefs.client.document(&token, &panel).await.unwrap())["size"], 12);
}

#[actix_web::test]
async fn every_version_of_a_namespace_is_kept() {
    let prefs = spawn().await;
    let (admin, panel) = (prefs.admin(), registered(&prefs).await);
    replace(&prefs, &panel, &second()).await;
    let page = prefs.client.namespace_versions(&admin, &panel, 1, None).await.unwrap();
    assert_eq!((page.data[0].version, &page.data[0].schema), (2, &second().schema));
    assert_eq!(page.data[0].migration, second().migration);
    let cursor = page.next_cursor.unwrap();
    let rest = prefs.client.namespace_versions(&admin, &panel, 5, Some(&cursor)).await.unwrap();
    assert_eq!((rest.data.len(), &rest.data[0].schema, rest.next_cursor), (1, &first(), None));
    assert!(rest.data[0].created_by.is_some());
    let seeded = prefs.client.namespace_versions(&admin, &"locale".parse().unwrap(), 5, None).await.unwrap();
    assert_eq!((seeded.data[0].version, seeded.data[0].created_by), (1, None));
    let nowhere =
        refused(prefs.client.namespace_versions(&admin, &"nowhere".parse().unwrap(), 5, None).await);
    assert_eq!(nowhere.status, 404);
}

#[actix_web::test]
async fn a_namespace_with_what_looks_like_a_secret_is_refused_with_its_place() {
    let prefs = spawn().await;
    let (admin, name) = (prefs.admin(), "keys".parse().unwrap());
    let jwt = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    let text = json!({"type": "string"});
    for (schema, defaults, at) in [
        (
            closed(json!({"smtp": closed(json!({"password": text}))})),
            json!({}),
            "/schema/properties/smtp/properties/password",
        ),
        (
            closed(json!({"a": {"default": "sk_live_0123456789abcdef"}})),
            json!({}),
            "/schema/properties/a/default",
        ),
        (closed(json!({"a": {"enum": ["x", jwt]}})), json!({}), "/schema/properties/a/enum/1"),
        (closed(json!({"a": text})), json!({"a": jwt}), "/defaults/a"),
        (closed(json!({"a": text})), json!({"a": "-----BEGIN PRIVATE KEY-----\nMC4="}), "/defaults/a"),
    ] {
        let new = namespace(schema, defaults);
        let problem = refused(prefs.client.put_namespace(&admin, &name, Writing::New, &new).await);
        assert_eq!((problem.status, field(&problem)), (422, (at, "secret_refused")));
    }
    let free = prefs.register("free", closed(json!({"a": text})), json!({})).await;
    let secret = document(json!({"a": "plk_live_01h455vb4pex5vsknk084sn02q_abcdef"}));
    let problem = refused(prefs.client.patch_document(&prefs.user(), &free, "*", &secret).await);
    assert_eq!(field(&problem), ("/a", "secret_refused"));
}

#[actix_web::test]
async fn steps_that_lead_nowhere_are_refused() {
    let prefs = spawn().await;
    let (admin, panel) = (prefs.admin(), registered(&prefs).await);
    let mut new = second();
    new.migration.push(MigrationStep::Remove { path: "old".to_owned() });
    let problem = refused(prefs.client.put_namespace(&admin, &panel, Writing::Over("*"), &new).await);
    assert_eq!((problem.status, field(&problem)), (422, ("/migration/3/path", "pointer_invalid")));
    let unknown = json!({"schema": first(), "defaults": {}, "migration": [{"op": "test", "path": "/a"}]});
    let url = format!("{}/api/v1/admin/prefs/namespaces/panel", prefs.base);
    let reply =
        prefs.http.put(url).bearer_auth(&admin).header("if-match", "*").json(&unknown).send().await.unwrap();
    assert_eq!(reply.status(), 422);
}
