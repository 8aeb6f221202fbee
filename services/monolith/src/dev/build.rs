//! Where the services' programs come from: built from the checkout, or beside this program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::{env, io};

use anyhow::Context;
use serde_json::Value;
use service_discovery::Service;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::children::Kind;
use super::run::Run;
use super::settings;

/// The program of each service.
pub(crate) type Programs = BTreeMap<Service, PathBuf>;

/// The checkout that we are in or come from, if any.
pub(crate) fn checkout() -> Option<PathBuf> {
    let starts = [env::current_dir().ok(), own_program().ok().map(Path::to_owned)];
    let mut dirs = starts.iter().flatten().flat_map(|start| start.ancestors());
    dirs.find(|dir| dir.join("services/monolith/Cargo.toml").is_file())?.canonicalize().ok()
}

/// What a state directory is named after: the checkout, or else the place of this program.
pub(crate) fn home() -> anyhow::Result<PathBuf> {
    checkout().map_or_else(own_dir, Ok)
}

/// This program, where it was at the start: a build may have put another in its place since, and
/// then the system takes ours for deleted.
pub(crate) fn own_program() -> anyhow::Result<&'static Path> {
    static OWN: LazyLock<io::Result<PathBuf>> = LazyLock::new(env::current_exe);
    OWN.as_deref().map_err(|why| anyhow::anyhow!("can't find our own program: {why}"))
}

/// The directory of this program.
pub(crate) fn own_dir() -> anyhow::Result<PathBuf> {
    Ok(own_program()?.parent().unwrap_or(Path::new("/")).to_owned())
}

/// The programs that lie beside this one.
pub(crate) fn beside(services: &[Service]) -> anyhow::Result<Programs> {
    let dir = own_dir()?;
    let program = |service: &Service| {
        let path = dir.join(service.name());
        anyhow::ensure!(path.is_file(), "there is no {}", path.display());
        Ok((*service, path))
    };
    services.iter().map(program).collect()
}

/// Builds the services with one cargo, its progress shown.
pub(crate) async fn build(run: &Run, checkout: &Path, release: bool) -> anyhow::Result<Programs> {
    let mut command = Command::new(settings::cargo());
    command.args(["build", "--message-format", "json-render-diagnostics"]).current_dir(checkout);
    command.args(run.services.iter().flat_map(|service| ["--package", service.name()]));
    if release {
        command.arg("--release");
    } else {
        // Together with ourselves, so that shared dependencies have the same features as when we
        // were built, and aren't built a second time.
        command.args(["--package", env!("CARGO_PKG_NAME")]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let mut cargo = command.spawn().context("can't run cargo")?;
    let pid = cargo.id().unwrap_or_default();
    run.children.enter("cargo", Kind::Service, pid)?;

    let mut programs = Programs::new();
    if let Some(output) = cargo.stdout.take() {
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next_line().await? {
            programs.extend(built(&line));
        }
    }
    let status = cargo.wait().await?;
    run.children.leave(pid)?;
    anyhow::ensure!(status.success(), "the build failed");
    Ok(programs)
}

/// The service's program that a line of cargo's tells of.
fn built(line: &str) -> Option<(Service, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let service = message.pointer("/target/name")?.as_str()?.parse().ok()?;
    Some((service, message.get("executable")?.as_str()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_read_from_the_words_of_cargo() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"auth","kind":["bin"]},"executable":"/t/auth"}"#;
        assert_eq!(built(line), Some((Service::Auth, "/t/auth".into())));
        assert_eq!(built(r#"{"target":{"name":"auth","kind":["lib"]},"executable":null}"#), None);
        assert_eq!(built("nonsense"), None);
    }
}
