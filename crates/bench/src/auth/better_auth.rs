//! The peer: Better Auth, installed by npm, a Node process on the same PostgreSQL.

use std::{
    io::{BufRead, BufReader},
    path::Path as Folder,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use serde::Deserialize;

use super::paths::Path;
use crate::{
    plinth::{Load, Meter, Program, drive, send},
    report::Report,
    servers::Servers,
};

const FOLDER: &str = "deploy/bench/better-auth";

/// What is asked of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Site {
    Session,
    CachedSession,
    RenewedSession,
    SessionByKey,
    KeyAlone,
}

pub(super) const ALL: [Site; 5] =
    [Site::Session, Site::CachedSession, Site::RenewedSession, Site::SessionByKey, Site::KeyAlone];

impl Site {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Session => "get-session",
            Self::CachedSession => "get-session, cookie cache",
            Self::RenewedSession => "get-session that renews it",
            Self::SessionByKey => "get-session by API key",
            Self::KeyAlone => "verifyApiKey",
        }
    }

    /// What is asked of Plinth for the same.
    pub(super) const fn like(self) -> Path {
        match self {
            Self::Session | Self::CachedSession => Path::Me,
            Self::RenewedSession => Path::Refresh,
            Self::SessionByKey => Path::MeByKey,
            Self::KeyAlone => Path::KeyAlone,
        }
    }

    /// With its cookie cache it does not look whether the session is still good; Plinth
    /// looks: no target.
    pub(super) const fn is_held_to(self) -> bool {
        !matches!(self, Self::CachedSession)
    }
}

/// It ends with this value.
pub(super) struct BetterAuth {
    program: Program,
    http: reqwest::Client,
    told: Told,
}

/// What its script prints.
#[derive(Debug, Deserialize)]
struct Told {
    url: String,
    cookies: Vec<String>,
    cached_cookies: Vec<String>,
    keys: Vec<String>,
}

impl BetterAuth {
    pub(super) async fn start(servers: &Servers, people: usize, report: &Report) -> anyhow::Result<Self> {
        report.doing("starting Better Auth");
        install()?;
        let url = servers.empty("better_auth").await?;
        let mut program = Program::spawn(
            Command::new("node")
                .args(["bench.mjs", &url, &people.to_string()])
                .env("NODE_ENV", "production")
                .current_dir(FOLDER)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        )?;
        let output = program.stdout().context("no output")?;
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).map(|_length| line)
        });
        let line = line.await??;
        let told = serde_json::from_str(&line).with_context(|| format!("Better Auth: {line}"))?;
        Ok(Self { program, http: testing::http(), told })
    }

    pub(super) async fn meter(&self, servers: &Servers) -> anyhow::Result<Meter> {
        Meter::start(vec![self.program.pid()], servers, &["better_auth"]).await
    }

    /// All clients ask in one way.
    pub(super) async fn ask(
        &self,
        site: Site,
        meter: &Meter,
        clients: usize,
        span: Duration,
    ) -> anyhow::Result<Load> {
        drive(meter, clients, span, async |client| self.once(site, client).await).await
    }

    async fn once(&self, site: Site, client: usize) -> anyhow::Result<()> {
        let told = &self.told;
        let get = |path: &str| self.http.get(format!("{}{path}", told.url));
        let request = match site {
            Site::Session => get("/plain/get-session").header("cookie", &told.cookies[client]),
            Site::CachedSession => get("/cached/get-session").header("cookie", &told.cached_cookies[client]),
            Site::RenewedSession => get("/updating/get-session").header("cookie", &told.cookies[client]),
            Site::SessionByKey => get("/plain/get-session").header("x-api-key", &told.keys[client]),
            Site::KeyAlone => get("/verify").header("x-api-key", &told.keys[client]),
        };
        // Who is not known gets 200 and `null`.
        let text = send(request, 200).await?;
        anyhow::ensure!(text != "null", "Better Auth knows nobody: {site:?}");
        Ok(())
    }
}

fn install() -> anyhow::Result<()> {
    let folder = Folder::new(FOLDER);
    anyhow::ensure!(folder.exists(), "run it in the root of the checkout");
    if folder.join("node_modules").exists() {
        return Ok(());
    }
    let mut install = Command::new("npm");
    let status = install.args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(folder).status();
    let installed = status.context("npm does not start (or: --without better-auth)")?;
    anyhow::ensure!(installed.success(), "Better Auth is not to be had (or: --without better-auth)");
    Ok(())
}
