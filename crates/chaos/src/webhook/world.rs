//! webhook as it is run: a PostgreSQL, an API, two workers, and a receiver.

use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::Duration,
};

use contract_webhook::{Client, EndpointId, NewEndpoint, NewMessage};
use identity::Claims;
use local_servers::{
    Postgres, port,
    postgres::Options,
    process::{Process, Signal},
};
use serde_json::value::RawValue;
use service_discovery::{Peer, PeerOptions, Service};
use tempfile::TempDir;
use testing::{Issuer, Person};

use super::sink::Sink;
use crate::{
    gateway::{KEY, PASSWORD},
    program::{Program, beside},
};

/// What is awaited before something failed is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Between attempts, seconds: what fails is sent once more, soon.
const WAITS: &str = "1,1,1,1,1,1,1,1,1,1";

pub(super) struct World {
    pub(super) client: Client,
    pub(super) token: String,
    pub(super) sink: Sink,
    pub(super) workers: [Program; 2],
    api: Program,
    at: u16,
    postgres: Option<Postgres>,
    issuer: Issuer,
    dir: TempDir,
}

impl World {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        // PostgreSQL runs as another user.
        set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        let postgres = Postgres::start(&dir.path().join("postgres"), Options::new(PASSWORD)).await?;
        let url = postgres.url("postgres");
        let (issuer, sink, at) = (Issuer::start(), Sink::start().await?, port::free()?);
        migrate(&url, &issuer)?;
        let api = process(dir.path(), "api", at, &url, &issuer)?;
        let worker = || process(dir.path(), "worker", 0, &url, &issuer);
        let workers = [worker()?, worker()?];
        let base = format!("http://127.0.0.1:{at}");
        testing::until_ready(&base).await;
        let client = Client::new(Peer::new(&[base.parse()?], &PeerOptions::default())?);
        let claims = issuer.claims(Service::Webhook, &Person::with_scopes("webhooks:read webhooks:write"));
        let token = issuer.sign(&Claims { exp: claims.iat + 3600, ..claims });
        Ok(Self { client, token, sink, workers, api, at, postgres: Some(postgres), issuer, dir })
    }

    /// Registers an endpoint at a place of the receiver, which gets the events that are called like it.
    pub(super) async fn endpoint(
        &self,
        (place, event_type): (&str, &str),
        ordered: bool,
        rate_limit: i32,
    ) -> anyhow::Result<EndpointId> {
        let event_types = vec![event_type.to_owned()];
        let at = NewEndpoint::at(self.sink.url(place));
        let new = NewEndpoint { event_types, ordered, rate_limit, ..at };
        Ok(self.client.create_endpoint(&self.token, &new).await?.id)
    }

    /// Sends a message until it is accepted, which its own id makes safe; its id.
    pub(super) async fn send(&self, event_type: &str, number: usize) -> String {
        Self::send_by(&self.client, &self.token, event_type, number).await
    }

    /// The same, for who holds no more of this.
    pub(super) async fn send_by(client: &Client, token: &str, event_type: &str, number: usize) -> String {
        let new = NewMessage {
            event_type: event_type.to_owned(),
            payload: RawValue::from_string(number.to_string()).unwrap_or_default(),
            event_id: Some(format!("{event_type}/{number}")),
        };
        loop {
            match client.send(token, &new).await {
                Ok(sent) => return sent.id.to_string(),
                Err(_not_yet) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    pub(super) fn kill_worker(&mut self, which: usize) -> anyhow::Result<()> {
        let worker = process(self.dir.path(), "worker", 0, &self.url(), &self.issuer)?;
        self.workers[which] = worker;
        Ok(())
    }

    pub(super) fn kill_api(&mut self) -> anyhow::Result<()> {
        self.api.kill()?;
        self.api = process(self.dir.path(), "api", self.at, &self.url(), &self.issuer)?;
        Ok(())
    }

    /// As when the machine loses its database: it comes back at the same place, with what was committed.
    pub(super) async fn kill_postgres(&mut self) -> anyhow::Result<()> {
        let Some(mut postgres) = self.postgres.take() else { return Ok(()) };
        Process::find(postgres.pid()).map_or(Ok(()), |process| process.signal(Signal::KILL))?;
        postgres.exited().await?;
        let options = Options { port: Some(postgres.port()), ..Options::new(PASSWORD) };
        self.postgres = Some(Postgres::start(&self.dir.path().join("postgres"), options).await?);
        Ok(())
    }

    /// One number out of the database.
    pub(super) async fn number(&self, sql: &str) -> anyhow::Result<i64> {
        let (client, connection) = tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await?;
        let reading = tokio::task::spawn_local(connection);
        let number = client.query_one(sql, &[]).await?.get(0);
        drop(client);
        reading.await??;
        Ok(number)
    }

    fn url(&self) -> String {
        self.postgres.as_ref().map(|postgres| postgres.url("postgres")).unwrap_or_default()
    }
}

/// The program, as this role.
fn webhook(role: &str, at: u16, url: &str, issuer: &Issuer) -> anyhow::Result<Command> {
    let (bind, keys) = (format!("127.0.0.1:{at}"), format!("k:{KEY}"));
    let variables = [
        ("PLINTH_ENV", "development"),
        ("WEBHOOK__ROLE", role),
        ("WEBHOOK__HTTP__BIND", &bind),
        ("WEBHOOK__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
        ("WEBHOOK__DATABASE__URL", url),
        ("WEBHOOK__DATABASE__OWNER_URL", url),
        ("WEBHOOK__DELIVERY__WAITS", WAITS),
        ("WEBHOOK__SEALING__KEYS", &keys),
        ("WEBHOOK__EVENTS__SUBSCRIBERS", ""),
        ("WEBHOOK__LOG__LEVEL", "error"),
        ("GATEWAY_INTERNAL_URL", issuer.url()),
        ("AUTH_INTERNAL_URL", issuer.url()),
    ];
    let mut command = beside("webhook")?;
    command.envs(variables);
    Ok(command)
}

fn migrate(url: &str, issuer: &Issuer) -> anyhow::Result<()> {
    let output = webhook("api", 0, url, issuer)?.arg("migrate").output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn process(dir: &Path, role: &str, at: u16, url: &str, issuer: &Issuer) -> anyhow::Result<Program> {
    Program::start(&mut webhook(role, at, url, issuer)?, &dir.join(format!("{role}.log")))
}
