//! What is pushed to whoever watches.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use contract_prefs::{Client, Locks, NamespaceName, News, Notice, Watching};
use identity::{Claims, Revocation};
use serde_json::json;
use service_discovery::{Peer, PeerOptions, Service};
use testing::Person;
use tokio::time::timeout;

use crate::{
    events::until,
    spawn::{Prefs, SEALING_KEYS, USER, closed, document, refused, spawn},
};

const PATIENCE: Duration = Duration::from_secs(30);

fn name(text: &str) -> NamespaceName {
    text.parse().unwrap()
}

/// The next news; `None` when the stream ends.
async fn next(watching: &mut Watching) -> Option<News> {
    timeout(PATIENCE, watching.next()).await.unwrap().unwrap()
}

async fn notice(watching: &mut Watching) -> Notice {
    match next(watching).await {
        Some(News::Changed(notice)) => notice,
        other => panic!("a notice is wanted: {other:?}"),
    }
}

/// A stream whose state was told.
async fn watched(client: &Client, token: &str) -> Watching {
    let mut watching = client.watch(token, None).await.unwrap();
    assert!(matches!(next(&mut watching).await, Some(News::State(_))));
    watching
}

#[actix_web::test]
async fn whoever_watches_is_told_of_every_layer_and_of_nothing_that_is_others() {
    let prefs = spawn().await;
    let (person, member, keeper) = prefs.member_and_keeper();
    let (appearance, colleague) = (name("appearance"), prefs.token(&person.colleague()));
    let panel = prefs.register("panel", closed(json!({"a": {"type": "integer"}})), json!({"a": 1})).await;
    let mut watching = prefs.client.watch(&member, None).await.unwrap();
    let Some(News::State(state)) = next(&mut watching).await else { panic!("the state comes first") };
    assert_eq!(state.etags, prefs.client.preferences(&member, false).await.unwrap().etags);

    let own = document(json!({"theme": "dark"}));
    for token in [&colleague, &prefs.user(), &member] {
        prefs.client.replace_document(token, &appearance, "*", &own).await.unwrap();
    }
    let told = notice(&mut watching).await;
    assert_eq!((&told.namespace, told.etag.as_str()), (&appearance, "\"1.0.1\""));
    let locks = Locks { locks: vec!["/theme".to_owned()] };
    prefs.client.lock(&keeper, &appearance, "*", &locks).await.unwrap();
    assert_eq!(notice(&mut watching).await.etag, "\"1.1.1\"");
    prefs.replace(&panel, closed(json!({"a": {"type": "integer"}})), json!({"a": 2})).await;
    let told = notice(&mut watching).await;
    assert_eq!((&told.namespace, told.etag.as_str()), (&panel, "\"2.0.0\""));
    prefs.client.erase(&member).await.unwrap();
    let told = notice(&mut watching).await;
    let read = prefs.client.document(&member, &appearance).await.unwrap();
    assert_eq!(told, Notice { namespace: appearance, etag: read.etag });
}

#[actix_web::test]
async fn who_comes_back_is_told_what_changed_meanwhile_and_nothing_else() {
    let prefs = spawn().await;
    let token = prefs.user();
    let watching = watched(&prefs.client, &token).await;
    let last = watching.last().unwrap().to_owned();
    drop(watching);
    let german = document(json!({"language": "de"}));
    for _ in 0..3 {
        prefs.client.replace_document(&token, &name("locale"), "*", &german).await.unwrap();
    }
    prefs.client.reset_document(&token, &name("appearance"), "*").await.unwrap();
    let mut again = prefs.client.watch(&token, Some(&last)).await.unwrap();
    let told = [notice(&mut again).await, notice(&mut again).await];
    let wanted = [("appearance", "\"1.0.1\""), ("locale", "\"1.0.3\"")];
    assert_eq!(
        told.map(|notice| (notice.namespace.to_string(), notice.etag)),
        wanted.map(|(of, etag)| (of.to_owned(), etag.to_owned()))
    );
    let last = again.last().unwrap().to_owned();
    let mut later = prefs.client.watch(&token, Some(&last)).await.unwrap();
    prefs.client.reset_document(&token, &name("notifications"), "*").await.unwrap();
    assert_eq!(notice(&mut later).await.namespace, name("notifications"), "what was told is not told again");
    let query = format!("{}/api/v1/prefs/events?last_event_id=1:1:", prefs.base);
    let all = prefs.http.get(query).bearer_auth(&token).send().await.unwrap();
    assert_eq!(all.headers()["content-type"], "text/event-stream");
    assert_eq!(all.headers()["cache-control"], "no-store");
    // A snapshot that lies ahead is of another cluster: all is told.
    let mut ahead = prefs.client.watch(&token, Some("900000000:900000000:")).await.unwrap();
    for namespace in ["appearance", "locale", "notifications"] {
        assert_eq!(notice(&mut ahead).await.namespace, name(namespace));
    }
    for bad in ["x", "7", "0:1:", "5:4:", "1:5:9", "1:99999999999999999999:"] {
        let problem = refused(prefs.client.watch(&token, Some(bad)).await);
        assert_eq!((problem.status, problem.code.as_str()), (400, "last_event_id_malformed"), "{bad}");
    }
}

#[actix_web::test]
async fn what_commits_late_is_told_then() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let token = prefs.token(&ada);
    crate::events::choose(&prefs, &ada, "dark").await;
    let mut watching = watched(&prefs.client, &token).await;
    let mut held = prefs.database.connect().await;
    let late = held.transaction().await.unwrap();
    let write = "WITH written AS (
            UPDATE documents SET version = 7, xid = pg_current_xact_id() WHERE namespace = 'appearance' RETURNING *
        ) INSERT INTO document_versions (org_id, owner_id, namespace, version, change, layer, locks, fits, changed_at)
          SELECT org_id, owner_id, namespace, version, 'patched', layer, locks, fits, now() FROM written";
    late.execute(write, &[]).await.unwrap();
    // Others begin later and are told before.
    for version in 1..=5 {
        prefs.client.reset_document(&token, &name("locale"), "*").await.unwrap();
        assert_eq!(notice(&mut watching).await.etag, format!("\"1.0.{version}\""));
    }
    let last = watching.last().unwrap().to_owned();
    late.commit().await.unwrap();
    assert_eq!(
        notice(&mut watching).await,
        Notice { namespace: name("appearance"), etag: "\"1.0.7\"".to_owned() }
    );
    let mut back = prefs.client.watch(&token, Some(&last)).await.unwrap();
    assert_eq!(notice(&mut back).await.etag, "\"1.0.7\"");
}

#[actix_web::test]
async fn a_stream_ends_with_its_credential_and_with_the_process() {
    let mut prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let token = prefs.token(&ada);
    let mut revoked = watched(&prefs.client, &token).await;
    let claims = prefs.issuer.claims(Service::Prefs, &Person::with_scopes(USER));
    let short = prefs.issuer.sign(&Claims { exp: claims.iat + 3, ..claims });
    let mut expiring = watched(&prefs.client, &short).await;
    let mut draining = watched(&prefs.client, &prefs.user()).await;
    prefs.issuer.revoke(Revocation::of_session(ada.sid.parse().unwrap()));
    assert_eq!(next(&mut revoked).await, None);
    assert_eq!(next(&mut expiring).await, None);
    prefs.stop();
    assert_eq!(next(&mut draining).await, None);
}

#[actix_web::test]
async fn who_is_far_behind_is_told_how_all_stands_and_costs_no_memory() {
    let prefs = spawn().await;
    let (_, member, keeper) = prefs.member_and_keeper();
    let mut watching = watched(&prefs.client, &member).await;
    // More than one look tells, at once.
    let many = "INSERT INTO document_versions
                    (org_id, owner_id, namespace, version, change, layer, locks, fits, changed_at)
                SELECT gen_random_uuid(), gen_random_uuid(), 'locale', 1, 'reset', '{}', '[]', 1, now()
                FROM generate_series(1, 3000)";
    let locks = Locks { locks: vec!["/theme".to_owned()] };
    prefs.client.lock(&keeper, &name("appearance"), "*", &locks).await.unwrap();
    prefs.database.connect().await.execute(many, &[]).await.unwrap();
    prefs.client.reset_document(&member, &name("locale"), "*").await.unwrap();
    let mut told = BTreeMap::new();
    while told.len() < 2 {
        let notice = notice(&mut watching).await;
        told.insert(notice.namespace.to_string(), notice.etag);
    }
    let wanted = [("appearance", "\"1.1.0\""), ("locale", "\"1.0.1\"")];
    assert_eq!(told, wanted.map(|(of, etag)| (of.to_owned(), etag.to_owned())).into());
}

/// A process of its own, which can be killed.
struct Replica {
    child: Child,
    client: Client,
}

impl Replica {
    async fn start(prefs: &Prefs) -> Self {
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (public, internal) = (port(), port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_prefs"));
        command.env_clear().envs([
            ("PREFS__HTTP__BIND", public.to_string().as_str()),
            ("PREFS__HTTP__INTERNAL_BIND", internal.to_string().as_str()),
            ("PREFS__DATABASE__URL", prefs.database.url()),
            ("PREFS__SEALING__KEYS", SEALING_KEYS),
            ("PREFS__EVENTS__SUBSCRIBERS", ""),
            ("PREFS__ROLE", "api"),
            ("GATEWAY_INTERNAL_URL", prefs.issuer.url()),
            ("AUTH_INTERNAL_URL", prefs.issuer.url()),
            ("PLINTH_ENV", "development"),
        ]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let base = format!("http://{public}");
        testing::until_ready(&base).await;
        let peer = Peer::new(&[base.parse().unwrap()], &PeerOptions::default()).unwrap();
        Self { child, client: Client::new(peer) }
    }

    fn kill(&mut self) {
        // SIGKILL: nothing of it is finished.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Follows a document over replicas that die, as a browser does: after every notice it
/// holds the newest ETag it was told of. Gives all it was told, in order.
async fn follow(replicas: &[Client], token: &str, wanted: &str) -> Vec<String> {
    let (mut told, mut last, mut turn) = (Vec::new(), None::<String>, 0);
    loop {
        turn += 1;
        let Ok(mut watching) = replicas[turn % replicas.len()].watch(token, last.as_deref()).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while let Ok(Some(news)) = watching.next().await {
            match news {
                News::State(state) => told.push(state.etags[&name("counter")].clone()),
                News::Changed(notice) => told.push(notice.etag),
            }
            last = watching.last().map(str::to_owned);
            if told.last().is_some_and(|etag| etag == wanted) {
                return told;
            }
        }
    }
}

#[actix_web::test]
async fn nothing_is_missed_over_two_replicas_of_which_one_is_killed() {
    let prefs = spawn().await;
    let counter = prefs.register("counter", closed(json!({"count": {"type": "integer"}})), json!({})).await;
    let ada = Person::with_scopes(USER);
    let claims = prefs.issuer.claims(Service::Prefs, &ada);
    let token = prefs.issuer.sign(&Claims { exp: claims.exp + 600, ..claims });
    let mut dies = Replica::start(&prefs).await;
    let stays = Replica::start(&prefs).await;
    let clients = [stays.client.clone(), dies.client.clone()];
    let write = async {
        for count in 1..=200 {
            let body = document(json!({"count": count}));
            prefs.client.replace_document(&token, &counter, "*", &body).await.unwrap();
            if count == 70 {
                dies.kill();
            }
            if count == 140 {
                dies = Replica::start(&prefs).await;
            }
        }
    };
    let (told, ()) =
        timeout(4 * PATIENCE, futures_util::future::join(follow(&clients, &token, "\"1.0.200\""), write))
            .await
            .unwrap();
    let versions: Vec<u64> =
        told.iter().map(|etag| etag.trim_matches('"').rsplit('.').next().unwrap().parse().unwrap()).collect();
    assert!(versions.windows(2).all(|pair| pair[0] <= pair[1]), "in order: {versions:?}");
    // Whoever writes fast is told of in few steps.
    assert!(versions.len() > 5, "they hardly met: {versions:?}");
    let read = clients[0].document(&token, &counter).await.unwrap();
    assert_eq!((read.etag.as_str(), &read.value["count"]), ("\"1.0.200\"", &json!(200)));
}

#[actix_web::test]
async fn each_of_many_documents_that_change_is_told_though_the_client_moves() {
    let prefs = spawn().await;
    let mut names = Vec::new();
    for number in 0..20 {
        let integer = closed(json!({"a": {"type": "integer"}}));
        names.push(prefs.register(&format!("n{number}"), integer, json!({})).await);
    }
    let token = prefs.user();
    let clients = [Replica::start(&prefs).await, Replica::start(&prefs).await];
    let first = watched(&clients[0].client, &token).await;
    let mut last = first.last().unwrap().to_owned();
    let mut held: BTreeMap<NamespaceName, String> = BTreeMap::new();
    for round in 1..=10 {
        for name in &names {
            let body = document(json!({"a": round}));
            prefs.client.replace_document(&token, name, "*", &body).await.unwrap();
        }
        // To the other replica, with what was seen at this one.
        let mut watching = clients[round % 2].client.watch(&token, Some(&last)).await.unwrap();
        let now = format!("\"1.0.{round}\"");
        while !names.iter().all(|name| held.get(name) == Some(&now)) {
            let notice = notice(&mut watching).await;
            held.insert(notice.namespace, notice.etag);
        }
        last = watching.last().unwrap().to_owned();
    }
}

#[actix_web::test]
async fn one_process_listens_once_however_many_watch() {
    let prefs = spawn().await;
    let mut streams = Vec::new();
    for _ in 0..50 {
        streams.push(watched(&prefs.client, &prefs.user()).await);
    }
    let listening = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND query = 'LISTEN plinth_events'";
    until("one to listen", async || prefs.number(listening).await == 1).await;
    assert_eq!(streams.len(), 50);
}
