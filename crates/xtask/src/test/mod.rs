//! `cargo xtask test`: a test run with a private PostgreSQL and Redis, which end with it.

mod leftovers;
mod servers;

use std::ffi::OsString;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use local_servers::process::{Process, Signal};
use tokio::process::{Child, Command};
use tokio::signal::unix::{self, SignalKind};

use crate::workspace::Workspace;
use servers::Servers;

/// How long an interrupted cargo and its tests may take to end by themselves.
const GRACE: Duration = Duration::from_secs(5);

/// Builds all binaries, starts the servers, and runs `cargo test` with the given arguments.
/// The exit code is that of the tests; what they leave behind is a failure too.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    run_with(workspace, arguments, &[])
}

/// The same for tests that are told more.
pub(crate) fn run_with(
    workspace: &Workspace,
    arguments: &[String],
    more: &[(&str, OsString)],
) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(tests(workspace, arguments, more))
}

async fn tests(workspace: &Workspace, arguments: &[String], more: &[(&str, OsString)]) -> Result<ExitCode> {
    let mut interruption = Interruption::listen()?;
    let built = cargo(&["build", "--workspace", "--bins", "--exclude", "xtask"], &[], &mut interruption);
    ensure!(built.await?.success(), "the binaries do not build");
    let servers = Servers::start().await?;
    let own = [
        ("PLINTH_TEST_POSTGRES_URL", servers.postgres_url().into()),
        ("PLINTH_TEST_REDIS_URL", servers.redis_url().into()),
        ("PLINTH_BIN_DIR", workspace.target.join("debug").into()),
        ("TMPDIR", servers.scratch().into()),
    ];
    let environment: Vec<(&str, OsString)> = own.into_iter().chain(more.iter().cloned()).collect();
    let tested = cargo(&cargo_test(arguments), &environment, &mut interruption).await;
    // Also after an interruption: the processes that it orphaned are ended here.
    let left = leftovers::collect(&servers.postgres_url(), &servers.scratch()).await;
    servers.stop().await?;
    Ok(verdict(tested?, &left?))
}

/// `cargo test`, of the whole workspace unless the arguments choose packages.
fn cargo_test(arguments: &[String]) -> Vec<&str> {
    let options = arguments.iter().map(String::as_str).take_while(|argument| *argument != "--");
    let chooses = options.clone().any(|option| option.starts_with("-p") || option.starts_with("--package"));
    let scope: &[&str] = if chooses { &[] } else { &["--workspace"] };
    let given = arguments.iter().map(String::as_str);
    ["test"].into_iter().chain(scope.iter().copied()).chain(given).collect()
}

fn verdict(tested: ExitStatus, left: &[String]) -> ExitCode {
    if left.is_empty() {
        println!("test: nothing was left behind");
    } else {
        println!("test: {} things were left behind: {}", left.len(), left.join(", "));
    }
    match tested.code().and_then(|code| u8::try_from(code).ok()) {
        Some(0) if left.is_empty() => ExitCode::SUCCESS,
        Some(0) | None => ExitCode::FAILURE,
        Some(code) => ExitCode::from(code),
    }
}

/// Runs cargo to its end, or ours: an interruption stops it, and all that it runs, first.
async fn cargo(
    arguments: &[&str],
    environment: &[(&str, OsString)],
    interruption: &mut Interruption,
) -> Result<ExitStatus> {
    let mut child = Command::new("cargo")
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cargo did not start")?;
    tokio::select! {
        status = child.wait() => Ok(status?),
        signal = interruption.came() => {
            stop(&child).await?;
            bail!("interrupted by {signal}")
        }
    }
}

/// Ends a cargo with its whole group: politely, then by force.
async fn stop(child: &Child) -> Result<()> {
    let Some(process) = child.id().and_then(Process::find) else { return Ok(()) };
    process.signal(Signal::TERM)?;
    if !process.ended(GRACE).await {
        process.signal(Signal::KILL)?;
    }
    Ok(())
}

/// The signals that end a run. One that comes while nobody waits is not lost.
struct Interruption {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hang_up: unix::Signal,
}

impl Interruption {
    fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hang_up: unix::signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them, and names it.
    async fn came(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn command(arguments: &[&str]) -> String {
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        cargo_test(&arguments).join(" ")
    }

    #[test]
    fn the_whole_workspace_is_tested_unless_packages_are_chosen() {
        assert_eq!(command(&[]), "test --workspace");
        assert_eq!(command(&["--no-fail-fast", "--", "-p"]), "test --workspace --no-fail-fast -- -p");
        assert_eq!(command(&["-p", "auth", "--", "login"]), "test -p auth -- login");
        assert_eq!(command(&["--package=auth"]), "test --package=auth");
    }

    #[test]
    fn what_is_left_behind_fails_a_run_that_passed() {
        let code = |status, left: &[String]| verdict(ExitStatus::from_raw(status << 8), left);
        assert_eq!(code(0, &[]), ExitCode::SUCCESS);
        assert_eq!(code(0, &["auth_1".into()]), ExitCode::FAILURE);
        assert_eq!(code(101, &["auth_1".into()]), ExitCode::from(101));
        assert_eq!(verdict(ExitStatus::from_raw(9), &[]), ExitCode::FAILURE);
    }
}
