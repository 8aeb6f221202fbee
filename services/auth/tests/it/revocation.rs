//! The feed: what is committed late is not skipped, and nothing holds it up.

use identity::{Feed, REVOCATIONS_PATH, Revocation};
use ids::{SessionId, UserId};
use service_discovery::Service;
use service_kit::db::Connector;

use crate::spawn::{Auth, claims_of, code, refused, spawn};

/// What the feed answers on the internal listener.
async fn read(auth: &Auth, since: Option<&str>) -> Feed {
    let request = testing::http().get(format!("{}{REVOCATIONS_PATH}", auth.internal_base));
    let reply = request.query(&since.map(|since| [("since", since)])).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    reply.json().await.unwrap()
}

async fn subjects(auth: &Auth, cursor: &mut String) -> Vec<String> {
    let feed = read(auth, Some(cursor)).await;
    *cursor = feed.cursor;
    let mut subjects: Vec<_> = feed.revocations.into_iter().map(|revocation| revocation.subject).collect();
    subjects.sort();
    subjects
}

const INSERT: &str = "INSERT INTO revocations (subject, reason) VALUES ($1, 'a test')";

#[actix_web::test]
async fn what_is_committed_late_is_told_then_and_everything_once() {
    let auth = spawn().await;
    let mut cursor = read(&auth, None).await.cursor;
    let (mut one, mut two) = (auth.db.connect().await, auth.db.connect().await);
    let early = one.transaction().await.unwrap();
    early.execute(INSERT, &[&"early"]).await.unwrap();
    let other = two.transaction().await.unwrap();
    other.execute(INSERT, &[&"other"]).await.unwrap();
    auth.sql("INSERT INTO revocations (subject, reason) VALUES ('late', 'a test')").await;
    assert_eq!(subjects(&auth, &mut cursor).await, ["late"], "it isn't held up");
    assert!(subjects(&auth, &mut cursor).await.is_empty());
    early.commit().await.unwrap();
    assert_eq!(subjects(&auth, &mut cursor).await, ["early"]);
    other.rollback().await.unwrap();
    assert!(subjects(&auth, &mut cursor).await.is_empty());
    assert_eq!(read(&auth, None).await.revocations.len(), 2);
}

#[actix_web::test]
async fn a_long_transaction_of_another_database_holds_nothing_up() {
    let (auth, elsewhere) = (spawn().await, spawn().await);
    let mut client = elsewhere.db.connect().await;
    let long = client.transaction().await.unwrap();
    long.execute(INSERT, &[&"elsewhere"]).await.unwrap();
    let mut cursor = read(&auth, None).await.cursor;
    for turn in 0..3 {
        auth.sql(&format!("INSERT INTO revocations (subject, reason) VALUES ('{turn}', 'a test')")).await;
        assert_eq!(subjects(&auth, &mut cursor).await, [turn.to_string()], "each once");
    }
}

#[actix_web::test]
async fn many_writers_and_a_reader_agree_in_the_end() {
    let auth = spawn().await;
    let mut cursor = read(&auth, None).await.cursor;
    let writers = (0..8).map(|writer| {
        let connection = auth.db.connect();
        async move {
            let mut client = connection.await;
            for turn in 0..20 {
                let transaction = client.transaction().await.unwrap();
                transaction.execute(INSERT, &[&format!("{writer}-{turn}")]).await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis((writer * 7 + turn) % 11)).await;
                if turn % 5 == 4 {
                    transaction.rollback().await.unwrap()
                } else {
                    transaction.commit().await.unwrap()
                }
            }
        }
    });
    let writing = futures_util::future::join_all(writers);
    tokio::pin!(writing);
    let mut told = Vec::new();
    loop {
        tokio::select! {
            biased;
            subjects = subjects(&auth, &mut cursor) => told.extend(subjects),
            _ = &mut writing => break,
        }
        tokio::select! {
            _ = &mut writing => break,
            () = tokio::time::sleep(std::time::Duration::from_millis(3)) => {}
        }
    }
    told.extend(subjects(&auth, &mut cursor).await);
    told.sort();
    assert_eq!(told.len(), 8 * 16, "each exactly once");
    told.dedup();
    assert_eq!(told.len(), 8 * 16);
}

#[actix_web::test]
async fn a_cursor_of_another_history_gets_all_and_a_bad_one_is_refused() {
    let auth = spawn().await;
    auth.sql("INSERT INTO revocations (subject, reason) VALUES ('one', 'a test')").await;
    let old = "INSERT INTO revocations (subject, reason, created_at) VALUES ('old', 'x', now() - interval '21 minutes')";
    auth.sql(old).await;
    let feed = read(&auth, Some("99999999:99999999:")).await;
    assert_eq!(feed.revocations.len(), 1, "a restored database: as if for the first time");
    let url = format!("{}{REVOCATIONS_PATH}?since=nonsense", auth.internal_base);
    assert_eq!(testing::http().get(url).send().await.unwrap().status(), 400);
}

#[actix_web::test]
async fn every_way_to_end_a_credential_is_told() {
    let auth = spawn().await;
    let mut cursor = read(&auth, None).await.cursor;
    let mut told = async || subjects(&auth, &mut cursor).await;
    let ada = auth.somebody("ada@example.com").await;
    let phone = auth.login("ada@example.com").await.unwrap();
    assert!(told().await.is_empty(), "a registration and logins void nothing");
    let (id, session) = (ada.id().to_string(), claims_of(&phone.access_token).sid.unwrap());
    auth.client.end_session(&ada.inward, session.parse().unwrap()).await.unwrap();
    assert_eq!(told().await, [session]);
    let key = auth.api_key(&ada, &["auth:read"]).await.shown.id;
    let change = contract_auth::ApiKeyChange { name: Some("x".to_owned()), ..Default::default() };
    auth.client.change_api_key(&ada.inward, key, &change).await.unwrap();
    assert!(told().await.is_empty(), "a name voids nothing");
    let change = contract_auth::ApiKeyChange { expires_at: Some(None), ..Default::default() };
    auth.client.change_api_key(&ada.inward, key, &change).await.unwrap();
    assert_eq!(told().await, [key.to_string()]);
    auth.client.delete_api_key(&ada.inward, key).await.unwrap();
    assert_eq!(told().await, [key.to_string()]);
    auth.client.logout(&ada.inward).await.unwrap();
    assert_eq!(told().await, [claims_of(&ada.inward).sid.unwrap()]);
    let mut operator = Connector::new(auth.db.url(), None).unwrap().connect().await.unwrap();
    // Nobody bans the last one.
    auth.admin().await;
    auth::admin::grant(&mut operator, "ada@example.com", "ADMIN").await.unwrap();
    assert_eq!(told().await.join(" "), id);
    auth::admin::verify(&mut operator, "ada@example.com").await.unwrap();
    assert_eq!(told().await.join(" "), id);
    auth::admin::ban(&mut operator, "ada@example.com", "spam").await.unwrap();
    assert_eq!(told().await.join(" "), id);
    auth::admin::unban(&mut operator, "ada@example.com").await.unwrap();
    let back = auth.login("ada@example.com").await.unwrap();
    auth.client.delete_me(&auth.inward(&back.access_token)).await.unwrap();
    assert_eq!(told().await.join(" "), id);
}

#[actix_web::test]
async fn what_another_replica_or_an_operator_revokes_is_felt() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let mut operator = Connector::new(auth.db.url(), None).unwrap().connect().await.unwrap();
    auth::admin::ban(&mut operator, "ada@example.com", "spam").await.unwrap();
    for _ in 0..600 {
        if auth.client.me(&ada.inward).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the feed is not followed");
}

#[actix_web::test]
async fn a_sensitive_operation_wants_fresh_word_and_others_do_not() {
    let auth = crate::spawn::spawn_with(&[("AUTH__IDENTITY__REVOCATIONS_STALE_SECONDS", "1")]).await;
    let ada = auth.somebody("ada@example.com").await;
    let admin = auth.admin().await;
    auth.client.unban(&admin, ada.id()).await.unwrap();
    auth.sql("ALTER TABLE revocations RENAME TO away").await;
    for turn in 0.. {
        assert!(auth.client.me(&ada.inward).await.is_ok(), "what is known goes on");
        if let Err(refusal) = auth.client.unban(&admin, ada.id()).await {
            assert_eq!(
                crate::spawn::refused(Err::<(), _>(refusal)),
                crate::spawn::code(503, "revocations_stale")
            );
            break;
        }
        assert!(turn < 600, "never stale");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    auth.sql("ALTER TABLE away RENAME TO revocations").await;
    for _ in 0..600 {
        if auth.client.unban(&admin, ada.id()).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("never fresh again");
}

#[actix_web::test]
async fn the_feed_names_ids_alone_and_is_not_on_the_public_listener() {
    let auth = spawn().await;
    let reply = testing::http().get(format!("{}{REVOCATIONS_PATH}", auth.base)).send().await.unwrap();
    assert_eq!(reply.status(), 404);
    let (user, session) = (UserId::generate(), SessionId::generate());
    let shown =
        serde_json::to_string(&[Revocation::of_user(user, 2), Revocation::of_session(session)]).unwrap();
    assert_eq!(shown, format!(r#"[{{"subject":"{user}","version":2}},{{"subject":"{session}"}}]"#));
}

#[actix_web::test]
async fn what_was_revoked_stays_so_after_a_restart() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let key = auth.api_key(&ada, &["auth:read"]).await;
    let by_key = crate::api_key_secret::exchange(&auth, &key.key).await.unwrap();
    let by_key = auth.inward(&by_key.access_token);
    auth.client.delete_api_key(&ada.inward, key.shown.id).await.unwrap();
    auth.client.logout(&ada.inward).await.unwrap();
    auth.client.ban(&auth.admin().await, eve.id(), "spam").await.unwrap();
    let (client, internal) = auth.another_process().await;
    for (what, token) in [("session", &ada.inward), ("key", &by_key), ("ban", &eve.inward)] {
        let (status, _) = loop {
            // It lets nobody in before it has read what was revoked.
            match refused(client.me(token).await) {
                (503, _) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                other => break other,
            }
        };
        assert_eq!(status, 401, "{what}");
    }
    for tokens in [&ada.tokens, &eve.tokens] {
        assert_eq!(refused(client.refresh(&tokens.refresh_token).await).0, 401);
    }
    let grant = contract_auth::Grant::Exchange(contract_auth::Exchange::ApiKey(key.key));
    let exchanged = internal.token(Service::Gateway, &crate::spawn::gateway_secret(), grant).await;
    assert_eq!(refused(exchanged), code(400, "invalid_grant"));
}
