//! webhook as it ships, an organisation with its endpoints, and another with a backlog.

use std::{
    cell::RefCell,
    fs::File,
    time::{Duration, Instant},
};

use anyhow::Context;
use contract_webhook::{Client, MessageId, NewEndpoint, NewMessage};
use futures_util::{StreamExt, TryStreamExt, stream};
use identity::Claims;
use local_servers::port;
use serde_json::value::RawValue;
use service_discovery::{Peer, PeerOptions, Service};
use tempfile::TempDir;
use testing::{Issuer, Person};
use tokio_postgres::Client as Sql;

use super::{
    CLIENTS, ENDPOINTS, FAN,
    sink::{Arrivals, Sink},
};
use crate::{
    plinth::{KEY, Meter, Program, command},
    servers::{Servers, connect},
    spread::Spread,
};

/// What a message says: 100 bytes or so.
const PAYLOAD: &str =
    r#"{"order_id":"01h455vb4pex5vsknk084sn02q","amount":4200,"currency":"EUR","paid":true,"items":[1,2,3]}"#;

/// How long is waited for what was sent.
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) struct World {
    client: Client,
    issuer: Issuer,
    token: String,
    sql: Sql,
    sink: Sink,
    api: Program,
    worker: RefCell<Option<Program>>,
    database: String,
    dir: TempDir,
}

impl World {
    pub(super) async fn start(servers: &Servers) -> anyhow::Result<Self> {
        let database = servers.database("webhook", webhook::migrations()?).await?;
        let (issuer, sink, dir) = (Issuer::start(), Sink::start()?, tempfile::tempdir()?);
        let port = port::free()?;
        let api = process("api", port, &database, &issuer, &dir)?;
        let url = format!("http://127.0.0.1:{port}");
        testing::until_ready(&url).await;
        let options = PeerOptions { timeout: Duration::from_secs(60), ..PeerOptions::default() };
        let client = Client::new(Peer::new(&[url.parse()?], &options)?);
        let token = token(&issuer);
        let sql = connect(&database).await?;
        let world = Self { client, issuer, token, sql, sink, api, worker: None.into(), database, dir };
        for number in 0..ENDPOINTS {
            world.endpoint(&world.token, &format!("t.{number}"), "fast", 10_000).await?;
        }
        for _ in 0..FAN {
            world.endpoint(&world.token, "fan", "fast", 10_000).await?;
        }
        world.endpoint(&world.token, "huge.0", "huge", 10_000).await?;
        world.go_on().await?;
        // What its first messages take is none of the others'.
        let ids = world.send_all(ENDPOINTS, 8).await?;
        world.arrived(&ids).await?;
        Ok(world)
    }

    /// The process that delivers.
    pub(super) fn pid(&self) -> u32 {
        self.worker.borrow().as_ref().map_or(0, Program::pid)
    }

    pub(super) async fn meter(&self, servers: &Servers) -> anyhow::Result<Meter> {
        Meter::start(vec![self.api.pid(), self.pid()], servers, &["webhook"]).await
    }

    /// Ends the process that delivers.
    pub(super) fn pause_deliveries(&self) {
        self.worker.take();
    }

    /// Starts one that delivers.
    pub(super) async fn go_on(&self) -> anyhow::Result<()> {
        let port = port::free()?;
        *self.worker.borrow_mut() = Some(process("worker", port, &self.database, &self.issuer, &self.dir)?);
        testing::until_ready(&format!("http://127.0.0.1:{port}")).await;
        Ok(())
    }

    /// Has this endpoint hang from now on.
    pub(super) async fn hang(&self) -> anyhow::Result<()> {
        self.endpoint(&self.token, "hang.0", "hang", 10_000).await.map(drop)
    }

    /// Sends a message of this type; its id.
    pub(super) fn sending(&self, event_type: &str) -> impl Future<Output = anyhow::Result<String>> + use<> {
        sending(self.client.clone(), self.token.clone(), event_type.to_owned())
    }

    /// So many, to one endpoint after the other, so many at once; their ids.
    pub(super) async fn send_all(&self, number: usize, clients: usize) -> anyhow::Result<Vec<String>> {
        let sending = |number: usize| self.sending(&format!("t.{}", number % ENDPOINTS));
        stream::iter(0..number).map(sending).buffer_unordered(clients).try_collect().await
    }

    /// So many of one type.
    pub(super) async fn send_many(&self, event_type: &str, number: usize) -> anyhow::Result<()> {
        let sending = |_| self.sending(event_type);
        stream::iter(0..number).map(sending).buffer_unordered(CLIENTS).try_for_each(async |_id| Ok(())).await
    }

    /// Another organisation has so many messages for an endpoint that wants one a second.
    pub(super) async fn backlog(&self, number: usize) -> anyhow::Result<()> {
        let token = token(&self.issuer);
        self.endpoint(&token, "b", "fast", 1).await?;
        let sending = |_| sending(self.client.clone(), token.clone(), "b".to_owned());
        stream::iter(0..number).map(sending).buffer_unordered(CLIENTS).try_for_each(async |_id| Ok(())).await
    }

    /// Forgets what waits.
    pub(super) async fn clear(&self) -> anyhow::Result<()> {
        self.pause_deliveries();
        self.sql.batch_execute("TRUNCATE jobs").await?;
        self.go_on().await
    }

    /// How many have come.
    pub(super) fn count(&self) -> usize {
        self.sink.count()
    }

    /// Waits until so many have come.
    pub(super) async fn until(&self, count: usize) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.sink.count() < count {
            anyhow::ensure!(began.elapsed() < PATIENCE, "{} came, and not {count}", self.sink.count());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Waits until these have come; when each did.
    pub(super) async fn arrived(&self, ids: &[String]) -> anyhow::Result<Arrivals> {
        let began = Instant::now();
        loop {
            if let Some(arrivals) = self.sink.of(ids) {
                return Ok(arrivals);
            }
            anyhow::ensure!(began.elapsed() < PATIENCE, "messages are missing");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// From the commit of each, as PostgreSQL keeps it, to its arrival.
    pub(super) async fn delays(&self, ids: &[String], arrivals: &Arrivals) -> anyhow::Result<Spread> {
        let sql = "SELECT id::text, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
                   FROM messages WHERE id = ANY ($1::text[]::uuid[])";
        let uuids = ids.iter().map(|id| Ok(id.parse::<MessageId>()?.uuid().to_string()));
        let uuids = uuids.collect::<anyhow::Result<Vec<String>>>()?;
        let mut delays = Vec::with_capacity(ids.len());
        for row in self.sql.query(sql, &[&uuids]).await? {
            let id = MessageId::from_uuid(row.get::<_, String>(0).parse()?).to_string();
            let committed: Option<i64> = row.get(1);
            let committed = committed.context("PostgreSQL keeps no commit times")?;
            let committed = Duration::from_micros(u64::try_from(committed)?);
            let came = arrivals.get(&id).context("one did not come")?;
            delays.push(came.saturating_sub(committed));
        }
        Ok(Spread::of(delays))
    }

    async fn endpoint(&self, token: &str, name: &str, path: &str, rate_limit: i32) -> anyhow::Result<()> {
        let url = format!("{}/{path}", self.sink.url);
        let new = NewEndpoint { event_types: vec![name.to_owned()], rate_limit, ..NewEndpoint::at(url) };
        self.client.create_endpoint(token, &new).await.map(drop).with_context(|| format!("endpoint {name}"))
    }
}

async fn sending(client: Client, token: String, event_type: String) -> anyhow::Result<String> {
    let payload = RawValue::from_string(PAYLOAD.to_owned())?;
    Ok(client.send(&token, &NewMessage { event_type, payload, event_id: None }).await?.id.to_string())
}

/// Of somebody in an organisation of their own; it lasts longer than the bench.
fn token(issuer: &Issuer) -> String {
    let claims = issuer.claims(Service::Webhook, &Person::with_scopes("webhooks:read webhooks:write"));
    issuer.sign(&Claims { exp: claims.iat + 3600, ..claims })
}

fn process(role: &str, port: u16, database: &str, issuer: &Issuer, dir: &TempDir) -> anyhow::Result<Program> {
    let log = File::create(dir.path().join(format!("{role}-{port}.log")))?;
    let (bind, keys) = (format!("127.0.0.1:{port}"), format!("k:{KEY}"));
    let variables = [
        ("WEBHOOK__ROLE", role),
        ("WEBHOOK__HTTP__BIND", &bind),
        ("WEBHOOK__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
        ("WEBHOOK__DATABASE__URL", database),
        ("WEBHOOK__SEALING__KEYS", &keys),
        ("WEBHOOK__EVENTS__SUBSCRIBERS", ""),
        ("GATEWAY_INTERNAL_URL", issuer.url()),
        ("AUTH_INTERNAL_URL", issuer.url()),
        ("PLINTH_ENV", "development"),
    ];
    Program::spawn(command("webhook")?.envs(variables).stdout(log.try_clone()?).stderr(log))
}
