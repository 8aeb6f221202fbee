//! The peer: graphile-worker, installed by npm, on the same PostgreSQL.

use std::{path::Path, process::Stdio};

use anyhow::Context;
use serde::Deserialize;
use tokio::process::Command;

const FOLDER: &str = "deploy/bench/graphile-worker";

/// What its script prints.
#[derive(Debug, Deserialize)]
pub(super) struct Peer {
    /// Jobs a second.
    pub(super) rate: f64,
    /// From enqueueing to start, milliseconds.
    pub(super) p99: f64,
}

pub(super) async fn measure(url: &str, count: u32) -> anyhow::Result<Peer> {
    let folder = Path::new(FOLDER);
    anyhow::ensure!(folder.exists(), "run it in the root of the checkout");
    if !folder.join("node_modules").exists() {
        let mut install = Command::new("npm");
        install.args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(folder);
        let installed =
            install.status().await.context("npm does not start (or: --without graphile-worker)")?;
        anyhow::ensure!(
            installed.success(),
            "graphile-worker is not to be had (or: --without graphile-worker)"
        );
    }
    let output = Command::new("node")
        .args(["bench.mjs", url, &count.to_string()])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .context("node does not start (or: --without graphile-worker)")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("graphile-worker: {text}"))
}
