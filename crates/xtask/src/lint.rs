//! `cargo xtask lint`: everything that a change must pass before its tests.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::workspace::Workspace;
use crate::{openapi, tidy};

/// The fuzz targets: a workspace of their own, of which only the format is looked at, since to
/// compile them is to compile all dependencies once more.
const FUZZ: &str = "deploy/fuzz/Cargo.toml";

/// Runs every step, also after one failed, and lists what failed.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut outcomes = Vec::new();
    let mut step = |name: &'static str, work: &dyn Fn() -> Result<()>| {
        println!("\n── {name}");
        let start = Instant::now();
        let outcome = work();
        if let Err(error) = &outcome {
            println!("{error:#}");
        }
        outcomes.push((name, outcome.is_ok(), start.elapsed()));
    };
    step("format", &|| cargo(&["fmt", "--all", "--check"], &[]));
    step("fuzz", &|| cargo(&["fmt", "--manifest-path", FUZZ, "--check"], &[]));
    step("tidy", &|| tidy::run(workspace));
    step("scripts", &|| shellcheck(workspace));
    step("clippy", &|| cargo(&["clippy", "-q", "--workspace", "--all-targets", "--", "-D", "warnings"], &[]));
    step("docs", &|| cargo(&["doc", "-q", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")]));
    step("openapi", &|| openapi::run(workspace, openapi::Verb::Check));
    summary(&outcomes)
}

fn summary(outcomes: &[(&str, bool, Duration)]) -> Result<()> {
    println!();
    for (name, passed, time) in outcomes {
        println!("{:<8} {:<6} {:>6.1} s", name, if *passed { "ok" } else { "FAILED" }, time.as_secs_f32());
    }
    let failed: Vec<_> = outcomes.iter().filter(|(_, passed, _)| !passed).map(|(name, ..)| *name).collect();
    ensure!(failed.is_empty(), "lint: {} failed", failed.join(", "));
    Ok(())
}

fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let mut command = Command::new("cargo");
    let status = command.args(arguments).envs(environment.iter().copied()).status()?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

/// Checks the shell scripts where shellcheck is installed, as it is in CI.
fn shellcheck(workspace: &Workspace) -> Result<()> {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        println!("shellcheck is not installed: skipped here, done in CI");
        return Ok(());
    }
    let scripts = tidy::scripts(&workspace.root)?;
    let status = Command::new("shellcheck").args(&scripts).current_dir(&workspace.root).status()?;
    ensure!(status.success(), "shellcheck found faults");
    println!("{} scripts, nothing to mend", scripts.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failed_step_is_named() {
        let second = Duration::from_secs(1);
        assert!(summary(&[("format", true, second)]).is_ok());
        let error = summary(&[("format", false, second), ("tidy", true, second), ("docs", false, second)]);
        assert_eq!(error.unwrap_err().to_string(), "lint: format, docs failed");
    }
}
