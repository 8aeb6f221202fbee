//! `cargo xtask upgrade`: the release before, on this release's schema, under load.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::{test, workspace::Workspace};

/// Where a schema changes.
const MIGRATIONS: &str = ":(glob)**/migrations/*/up.sql";

/// Builds the programs of `from` beside ours and plays the upgrade. Without one, `from` is the
/// commit before the last that changed a schema: the nearest that runs on another than ours.
pub(crate) fn run(workspace: &Workspace, from: Option<&str>) -> Result<ExitCode> {
    let git = |arguments: &[&str]| git(&workspace.root, arguments);
    let revision = match from {
        Some(revision) => git(&["rev-parse", "--verify", &format!("{revision}^{{commit}}")])?,
        None => {
            let last = git(&["log", "-1", "--format=%H", "--", MIGRATIONS])?;
            ensure!(!last.is_empty(), "no commit changed a migration: is this a shallow clone?");
            git(&["rev-parse", "--verify", &format!("{last}^")])
                .context("the commit before the last migration is not here: is this a shallow clone?")?
        }
    };
    println!("upgrade: from {}", git(&["log", "-1", "--format=%h %s", &revision])?);
    let programs = build(workspace, &revision)?;
    let arguments = ["-p", "e2e", "--test", "it", "--", "--ignored", "--nocapture", "upgrade::"];
    let arguments: Vec<String> = arguments.map(str::to_owned).into();
    test::run_with(workspace, &arguments, &[("PLINTH_PREVIOUS_BIN_DIR", programs.into())])
}

/// The programs of a commit, in a folder of their own below `target`.
fn build(workspace: &Workspace, revision: &str) -> Result<PathBuf> {
    let (source, target) =
        (workspace.target.join("previous/source"), workspace.target.join("previous/target"));
    if source.exists() {
        git(&source, &["checkout", "--quiet", "--detach", "--force", revision])?;
    } else {
        let place = source.to_str().context("a path that is no text")?;
        git(&workspace.root, &["worktree", "prune"])?;
        git(&workspace.root, &["worktree", "add", "--quiet", "--detach", place, revision])?;
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--target-dir"]).arg(&target).current_dir(&source);
    let packages = ["plinth", "gateway", "auth", "prefs", "webhook"];
    let status = cargo.args(packages.iter().flat_map(|package| ["-p", package])).status()?;
    ensure!(status.success(), "the programs of {revision} do not build");
    Ok(target.join("debug"))
}

/// What git prints.
fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new("git").args(arguments).current_dir(folder).output().context("git did not start")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {}: {}", arguments.join(" "), told.trim());
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
