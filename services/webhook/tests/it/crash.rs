//! Real processes and a real PostgreSQL, killed again and again while messages are sent: each reaches
//! each endpoint, and what comes twice was under way.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use contract_webhook::{Client, NewEndpoint, NewMessage};
use futures_util::future::{join, join_all};
use local_servers::{
    Postgres, port,
    postgres::Options,
    process::{Process, Signal},
};
use serde_json::value::RawValue;
use service_discovery::{Peer, PeerOptions, Service};
use service_kit::migrations::Migrator;
use testing::{Issuer, Person};
use tokio::process::{Child, Command};
use tokio_postgres::NoTls;

use crate::{
    receiver::Receiver,
    spawn::{SEALING_KEYS, WRITER},
};

const MESSAGES: usize = 400;
const ENDPOINTS: usize = 4;
/// How often a worker is killed.
const ROUNDS: usize = 6;
/// How many are under way to an endpoint at once.
const WIDTH: usize = 16;

/// A process of webhook in this role.
fn process(role: &str, at: u16, url: &str, issuer: &Issuer) -> Child {
    let bind = format!("127.0.0.1:{at}");
    let variables = [
        ("WEBHOOK__ROLE", role),
        ("WEBHOOK__HTTP__BIND", &bind),
        ("WEBHOOK__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
        ("WEBHOOK__DATABASE__URL", url),
        ("WEBHOOK__SEALING__KEYS", SEALING_KEYS),
        ("WEBHOOK__EVENTS__SUBSCRIBERS", ""),
        ("WEBHOOK__LOG__LEVEL", "off"),
        ("GATEWAY_INTERNAL_URL", issuer.url()),
        ("AUTH_INTERNAL_URL", issuer.url()),
        ("PLINTH_ENV", "development"),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_webhook"));
    command.env_clear().envs(variables).process_group(0).kill_on_drop(true).spawn().unwrap()
}

/// Without fsync: what a killed server has written, the system still holds.
async fn server(dir: &Path, port: Option<u16>) -> Postgres {
    Postgres::start(dir, Options { fsync: false, port, ..Options::new("root") }).await.unwrap()
}

/// Sends one until it is accepted, which its own id makes safe.
async fn send(client: &Client, token: &str, number: usize) -> String {
    let new = NewMessage {
        event_type: "a".to_owned(),
        payload: RawValue::from_string(number.to_string()).unwrap(),
        event_id: Some(number.to_string()),
    };
    loop {
        if let Ok(sent) = client.send(token, &new).await {
            return sent.id.to_string();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn number(url: &str, sql: &str) -> i64 {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[actix_web::test]
async fn every_message_reaches_every_endpoint_whatever_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    // The server runs as another user.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut postgres = server(dir.path(), None).await;
    let url = postgres.url("postgres");
    Migrator::new(&url, None, webhook::migrations().unwrap()).unwrap().up().await.unwrap();
    let (issuer, at) = (Issuer::start(), port::free().unwrap());
    let mut api = process("api", at, &url, &issuer);
    let base = format!("http://127.0.0.1:{at}");
    testing::until_ready(&base).await;
    let client = Client::new(Peer::new(&[base.parse().unwrap()], &PeerOptions::default()).unwrap());
    let token = issuer.token(Service::Webhook, &Person::with_scopes(WRITER));
    let mut receivers = Vec::new();
    for _ in 0..ENDPOINTS {
        let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
        let new = NewEndpoint { rate_limit: 10_000, ..NewEndpoint::at(&receiver.url) };
        client.create_endpoint(&token, &new).await.unwrap();
        receivers.push(receiver);
    }

    let mut workers = [0, 1].map(|_| process("worker", 0, &url, &issuer));
    let kills = async {
        for round in 0..ROUNDS {
            tokio::time::sleep(Duration::from_millis(900)).await;
            workers[round % 2].kill().await.unwrap();
            workers[round % 2] = process("worker", 0, &url, &issuer);
            if round % 3 == 1 {
                api.kill().await.unwrap();
                api = process("api", at, &url, &issuer);
            }
            if round % 3 == 2 {
                Process::find(postgres.pid()).unwrap().signal(Signal::KILL).unwrap();
                postgres.exited().await.unwrap();
                let port = Some(postgres.port());
                postgres = server(dir.path(), port).await;
            }
        }
    };
    let sent = async {
        let mut sent = BTreeSet::new();
        for first in (0..MESSAGES).step_by(8) {
            sent.extend(join_all((first..first + 8).map(|one| send(&client, &token, one))).await);
            tokio::time::sleep(Duration::from_millis(80)).await;
        }
        sent
    };
    let ((), sent) = join(kills, sent).await;
    assert_eq!(sent.len(), MESSAGES);

    let left = "SELECT count(*) FROM deliveries WHERE state <> 'delivered'";
    for _ in 0..1800 {
        if number(&url, left).await == 0 && number(&url, "SELECT count(*) FROM jobs").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(number(&url, left).await, 0, "nothing is stuck");
    assert_eq!(number(&url, "SELECT count(*) FROM messages").await, i64::try_from(MESSAGES).unwrap());
    for receiver in receivers {
        let posted = receiver.posted();
        let ids: BTreeSet<String> = posted.iter().map(|post| post.header("webhook-id").to_owned()).collect();
        assert_eq!(ids, sent, "each of them, and no other");
        // A killed database leaves both workers with what they had under way.
        let most = WIDTH * (ROUNDS + 2 * ROUNDS / 3);
        assert!(posted.len() - ids.len() <= most, "{} came twice", posted.len() - ids.len());
    }
    for mut process in workers.into_iter().chain([api]) {
        process.kill().await.unwrap();
    }
    postgres.stop().await.unwrap();
}
