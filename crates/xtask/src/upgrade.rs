//! `cargo xtask upgrade`: the release before, on this release's schema, under load.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::{test, workspace::Workspace};

/// Where a schema changes.
const MIGRATIONS: &str = ":(glob)**/migrations/*/up.sql";

/// Builds the programs of `from` beside ours and plays the upgrade; without one, of the last
/// commit that a database can come from.
pub(crate) fn run(workspace: &Workspace, from: Option<&str>) -> Result<ExitCode> {
    let root = &workspace.root;
    let revision = match from {
        Some(revision) => git(root, &["rev-parse", "--verify", &format!("{revision}^{{commit}}")])?,
        None => release_before(root)?,
    };
    println!("upgrade: from {}", git(root, &["log", "-1", "--format=%h %s", &revision])?);
    let programs = build(workspace, &revision)?;
    let arguments = ["-p", "e2e", "--test", "it", "--", "--ignored", "--nocapture", "upgrade::"];
    let arguments: Vec<String> = arguments.map(str::to_owned).into();
    test::run_with(workspace, &arguments, &[("PLINTH_PREVIOUS_BIN_DIR", programs.into())])
}

/// The last commit with another schema than ours whose databases can be led here: every migration
/// that it lacks is newer than all that it has. In between, migrations were still being put in order.
fn release_before(root: &Path) -> Result<String> {
    let ours = versions(root, "HEAD")?;
    let changes = git(root, &["log", "--format=%H", "--", MIGRATIONS])?;
    for change in changes.lines() {
        let before = format!("{change}^");
        let Ok(theirs) = versions(root, &before) else { break };
        let first_missing = ours.difference(&theirs).next();
        if first_missing.is_some_and(|first| theirs.last().is_some_and(|last| last < first)) {
            return git(root, &["rev-parse", "--verify", &before]);
        }
    }
    bail!("no commit here has another schema that leads to ours: is this a shallow clone?")
}

/// The versions of all migrations of a commit.
fn versions(root: &Path, revision: &str) -> Result<BTreeSet<String>> {
    let files = git(root, &["ls-tree", "-r", "--name-only", revision])?;
    let version = |path: &str| {
        let (_, folder) = path.strip_suffix("/up.sql")?.rsplit_once("/migrations/")?;
        Some(folder.split('_').next()?.to_owned())
    };
    Ok(files.lines().filter_map(version).collect())
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
