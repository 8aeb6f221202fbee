//! auth as it is run, with a PostgreSQL, and a gateway before it.

use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::Duration,
};

use contract_auth::{Client as Auth, Login, NewApiKey, Registration, Secret, Tokens};
use local_servers::{Postgres, Redis, port, postgres};
use service_discovery::{CallError, Peer, PeerOptions};
use tempfile::TempDir;

use crate::{
    client::{Client, Port},
    gateway::{Gateway, KEY, ORIGIN, PASSWORD},
    instances::Instances,
    program::{Program, beside},
    servers::redis,
    wire::Request,
};

/// How long a person's access token holds: longer than auth is away.
const ACCESS_SECONDS: &str = "900";

const EMAIL: &str = "ada@example.com";
const PERSONS_PASSWORD: &str = "four words that nobody else uses";

const PATIENCE: Duration = Duration::from_secs(30);

/// Public and internal: auth asks the gateway for its keys, and the gateway auth.
#[derive(Clone, Copy, Debug)]
struct Ports {
    auth: (u16, u16),
    gateway: (u16, u16),
}

/// It ends with its value.
pub(super) struct World {
    pub(super) gateway: Gateway,
    auth: Program,
    ports: Ports,
    postgres: Postgres,
    client: Auth,
    _instances: Instances,
    _redis: Redis,
    dir: TempDir,
}

impl World {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        // PostgreSQL runs as another user.
        set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        let postgres =
            Postgres::start(&dir.path().join("postgres"), postgres::Options::new(PASSWORD)).await?;
        migrate(&postgres)?;
        let redis = redis(dir.path()).await?;
        let instances = Instances::start(dir.path(), 1).await?;
        let ports = Ports { auth: (port::free()?, port::free()?), gateway: (port::free()?, port::free()?) };
        let auth = auth(dir.path(), &postgres, ports)?;
        until_ready(ports.auth.0).await?;
        let gateway = gateway(dir.path(), &redis.url(), &instances.urls(), ports).await?;
        until_ready(gateway.port).await?;
        let url = format!("http://127.0.0.1:{}", gateway.port).parse()?;
        let client = Auth::new(Peer::new(&[url], &PeerOptions::default())?);
        let registration =
            Registration { email: EMAIL.to_owned(), password: PERSONS_PASSWORD.into(), name: None };
        client.register(&registration).await?;
        Ok(Self { gateway, auth, ports, postgres, client, _instances: instances, _redis: redis, dir })
    }

    pub(super) async fn login(&self) -> anyhow::Result<Tokens> {
        let login = Login { email: EMAIL.to_owned(), password: PERSONS_PASSWORD.into() };
        let reply = self.client.login(&login).await?;
        reply.tokens().ok_or_else(|| anyhow::anyhow!("nobody here has a second factor"))
    }

    pub(super) async fn api_key(&self, token: &Secret) -> Result<Secret, CallError> {
        let new = NewApiKey {
            name: "chaos".to_owned(),
            scopes: vec!["prefs:read".to_owned()],
            expires_at: None,
            rate_limit: None,
        };
        Ok(self.client.create_api_key(token, &new).await?.key)
    }

    pub(super) fn kill_auth(&mut self) -> anyhow::Result<()> {
        self.auth.kill()
    }

    pub(super) async fn start_auth(&mut self) -> anyhow::Result<()> {
        self.auth = auth(self.dir.path(), &self.postgres, self.ports)?;
        until_ready(self.ports.auth.0).await
    }
}

fn migrate(postgres: &Postgres) -> anyhow::Result<()> {
    let mut command = beside("plinth")?;
    command.args(["migrate", "up", "--admin-database-url", &postgres.url("postgres")]);
    let output = command.envs(database(postgres, "auth")).envs(database(postgres, "prefs")).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn database(postgres: &Postgres, name: &str) -> [(String, String); 2] {
    let (service, owner) = (name.to_uppercase(), format!("{name}_owner"));
    [
        (format!("{service}__DATABASE__URL"), postgres.url_as(name, PASSWORD, name)),
        (format!("{service}__DATABASE__OWNER_URL"), postgres.url_as(&owner, PASSWORD, name)),
    ]
}

fn auth(dir: &Path, postgres: &Postgres, ports: Ports) -> anyhow::Result<Program> {
    let ((public, internal), gateway) = (ports.auth, ports.gateway.1);
    let variables = [
        ("PLINTH_ENV", "development".to_owned()),
        ("PLINTH_PUBLIC_URL", ORIGIN.to_owned()),
        ("GATEWAY_INTERNAL_URL", format!("http://127.0.0.1:{gateway}")),
        ("AUTH__HTTP__BIND", format!("127.0.0.1:{public}")),
        ("AUTH__HTTP__INTERNAL_BIND", format!("127.0.0.1:{internal}")),
        ("AUTH__SEALING__KEYS", format!("k:{KEY}")),
        ("AUTH__CLIENTS__GATEWAY", PASSWORD.to_owned()),
        ("AUTH__TOKENS__ACCESS_SECONDS", ACCESS_SECONDS.to_owned()),
    ];
    let mut command: Command = beside("auth")?;
    command.envs(variables).envs(database(postgres, "auth"));
    Program::start(&mut command, &dir.join("auth.log"))
}

async fn gateway(dir: &Path, redis: &str, urls: &str, ports: Ports) -> anyhow::Result<Gateway> {
    let [public, internal] = [ports.auth.0, ports.auth.1].map(|port| format!("http://127.0.0.1:{port}"));
    let variables = [
        ("GATEWAY__REDIS__URL", redis),
        ("PREFS_SERVICE_URL", urls),
        ("AUTH_SERVICE_URL", &public),
        ("AUTH_INTERNAL_URL", &internal),
        // All come from one address.
        ("GATEWAY__LIMITS__ENFORCED", "false"),
    ];
    Gateway::start_at(dir, ports.gateway, &variables).await
}

async fn until_ready(port: u16) -> anyhow::Result<()> {
    let began = std::time::Instant::now();
    let mut client = Client::new(&Port::new(port.into()));
    while !client.send(&Request::get("/readyz")).await.is_ok_and(|answer| answer.status == 200) {
        anyhow::ensure!(began.elapsed() < PATIENCE, "port {port} is not ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
