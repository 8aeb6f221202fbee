//! The gateway as it is run: a process with settings of its own.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use local_servers::port;

use crate::{
    client::{Client, Port},
    program::{Program, beside},
    wire::Request,
};

/// Seeds: 32 bytes that are no secret.
pub(crate) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// Passwords of clients and servers.
pub(crate) const PASSWORD: &str = "no-secret-but-long-enough-for-one";
/// Where clients think that they are; the one page that may open WebSockets.
pub(crate) const ORIGIN: &str = "http://chaos.example";

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) program: Program,
    pub(crate) port: u16,
    internal: u16,
    log: PathBuf,
}

impl Gateway {
    /// With variables besides the usual ones, or in their place; it answers when this returns.
    pub(crate) async fn start(dir: &Path, variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start_at(dir, (port::free()?, port::free()?), variables).await
    }

    /// The same, its public and its internal listener on these ports.
    pub(crate) async fn start_at(
        dir: &Path,
        (port, internal): (u16, u16),
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let log = dir.join(format!("gateway-{port}.log"));
        let usual = [
            ("PLINTH_ENV", "development".to_owned()),
            ("PLINTH_PUBLIC_URL", ORIGIN.to_owned()),
            ("GATEWAY__HTTP__BIND", format!("127.0.0.1:{port}")),
            ("GATEWAY__HTTP__INTERNAL_BIND", format!("127.0.0.1:{internal}")),
            ("GATEWAY__TOKEN__KEYS", KEY.to_owned()),
            ("GATEWAY__CLIENT__SECRET", PASSWORD.to_owned()),
            ("GATEWAY__ACCESS_LOG", "off".to_owned()),
        ];
        let mut command = beside("gateway")?;
        command.envs(usual).envs(variables.iter().copied());
        let program = Program::start(&mut command, &log)?;
        let gateway = Self { program, port, internal, log };
        gateway.answers().await?;
        Ok(gateway)
    }

    pub(crate) fn place(&self) -> Port {
        Port::new(self.port.into())
    }

    /// The sum of a metric over all its labels.
    pub(crate) async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        self.metric_of(name, "").await
    }

    /// The same, of those that have this label (`name="value"`).
    pub(crate) async fn metric_of(&self, name: &str, label: &str) -> anyhow::Result<f64> {
        let mut client = Client::new(&Port::new(self.internal.into()));
        let answer = client.send(&Request::get("/metrics")).await.context("no metrics")?;
        let text = String::from_utf8(answer.body)?;
        let is_named = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(label))
        };
        let lines = text.lines().filter(is_named);
        lines.map(|line| Ok(line.rsplit_once(' ').context("no value")?.1.parse::<f64>()?)).sum()
    }

    async fn answers(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        while Client::new(&self.place()).send(&Request::get("/healthz")).await.is_err() {
            if began.elapsed() > PATIENCE {
                anyhow::bail!("the gateway does not answer: {}", std::fs::read_to_string(&self.log)?);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
