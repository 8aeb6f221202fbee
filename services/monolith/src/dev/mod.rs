//! `plinth dev`: everything on this machine, started, migrated, supervised and stopped.
//!
//! PostgreSQL and Redis are private to the checkout. Each process leads its own group and is
//! written down in the state directory (see [`children`]), so that nothing outlives the run,
//! even if the run is killed (see [`mod@guard`]).

mod backoff;
mod build;
mod children;
pub(crate) mod endpoints;
mod environment;
mod guard;
mod lock;
mod options;
mod part;
mod ports;
mod process;
mod ready;
mod run;
mod screen;
mod secrets;
mod settings;
mod signals;
mod state;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use futures_util::future::try_join;
use service_discovery::Service;
use service_kit::settings::Reader;

use self::build::Programs;
use self::children::Child;
pub(crate) use self::guard::{GuardOptions, guard};
use self::lock::Lock;
pub(crate) use self::options::Options;
use self::part::{Part, Running};
use self::ports::Ports;
use self::run::Run;
use self::secrets::Secrets;
use self::signals::Signals;
use self::state::StateDir;
use crate::databases::{Databases, from_settings};

/// Starts everything, and runs until it is told to stop.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let checkout = build::checkout();
    let home = checkout.clone().map_or_else(build::own_dir, Ok)?;
    let state = StateDir::open(options.state_dir.clone(), &home)?;
    let ports = Ports::plan(options.port)?;
    let lock = Lock::take(&state.lock(), &ports.url(Service::Gateway)).await?;

    let result = run_alone(&mut signals, &options, checkout, state, ports).await;
    lock.release().context("can't remove the lock")?;
    result
}

/// The run, while no other one has this state directory.
async fn run_alone(
    signals: &mut Signals,
    options: &Options,
    checkout: Option<PathBuf>,
    state: StateDir,
    ports: Ports,
) -> anyhow::Result<()> {
    sweep(&state).await?;
    if options.fresh {
        state.wipe()?;
    }
    let secrets = Secrets::load(&state.secrets())?;
    let run = Arc::new(Run::new(state, secrets, ports, options));
    run.ports.check_free(&run.listening())?;
    guard::watch(&run)?;

    let checkout = checkout.filter(|_| !options.no_build);
    let started = tokio::spawn(start(Arc::clone(&run), checkout, options.release));
    let result = tokio::select! {
        () = signals.next() => Ok(()),
        result = started_or_failed(started) => match result {
            Ok(()) => { signals.next().await; Ok(()) }
            failed => failed,
        },
    };
    if result.is_ok() {
        run.screen.say("\nstopping; once more to kill");
    }
    stop(&run, signals).await.and(result)
}

/// Stops what a killed run and its killed guard left.
async fn sweep(state: &StateDir) -> anyhow::Result<()> {
    let stuck = children::stop_all(&children::left_over(state)).await;
    refuse_stuck(&stuck)?;
    Ok(state.forget_run()?)
}

async fn started_or_failed(started: tokio::task::JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    started.await.context("the start failed")?
}

/// From nothing to ready.
async fn start(run: Arc<Run>, checkout: Option<PathBuf>, release: bool) -> anyhow::Result<()> {
    let programs = match checkout.filter(|_| !run.services.is_empty()) {
        Some(checkout) => build::build(&run, &checkout, release).await?,
        None => build::beside(&run.services)?,
    };
    if let Some(hint) = run.hint_without_auth() {
        run.screen.say(&hint);
    }
    let began = Instant::now();
    let servers = async { try_join(Part::Postgres.start(&run), Part::Redis.start(&run)).await };
    let (postgres, redis) = run.screen.step("PostgreSQL and Redis", servers).await?;
    tokio::spawn(part::keep(Arc::clone(&run), Part::Postgres, postgres));
    tokio::spawn(part::keep(Arc::clone(&run), Part::Redis, redis));

    if !run.services.is_empty() {
        run.screen.step("roles, databases and migrations", migrate(&run)).await?;
        let services = run.screen.step("services", start_services(&run, programs)).await?;
        for (part, running) in services {
            tokio::spawn(part::keep(Arc::clone(&run), part, running));
        }
    }
    run.announce()?;
    run.screen.say(&ready_message(&run, began));
    Ok(())
}

/// Makes the roles and databases of the services, and brings their tables up to date.
async fn migrate(run: &Arc<Run>) -> anyhow::Result<()> {
    let variables = |service: &Service| {
        let urls =
            endpoints::database_variables(*service, run.database_url(*service), run.owner_url(*service));
        Reader::new(*service, None, urls)
    };
    let with_a_database = run.services.iter().filter(|service| run.secrets.database(**service).is_some());
    let services = from_settings(with_a_database.map(|service| (*service, variables(service))))?;
    let admin_url = Some(run.superuser_url("postgres").into());
    crate::migrate::up(&Databases { services, admin_url }).await
}

async fn start_services(run: &Arc<Run>, mut programs: Programs) -> anyhow::Result<Vec<(Part, Running)>> {
    let mut started = Vec::new();
    for service in &run.services {
        let program = programs.remove(service).with_context(|| format!("{service} was not built"))?;
        started.push(Part::Service(*service, program).started(run).await?);
    }
    ready::wait(run, &mut started).await?;
    if run.has_standins() {
        // Later, because they need auth.
        let mut standins = [Part::Standins.started(run).await?];
        ready::wait(run, &mut standins).await?;
        started.extend(standins);
    }
    Ok(started)
}

/// Stops everything within 10 s; a second signal, at once.
async fn stop(run: &Run, signals: &mut Signals) -> anyhow::Result<()> {
    run.stopping.cancel();
    let stuck = tokio::select! {
        stuck = run.children.stop() => stuck,
        () = signals.next() => { run.children.kill(); run.children.stop().await }
    };
    refuse_stuck(&stuck)?;
    run.state.forget_run().context("can't tidy the state directory")
}

fn refuse_stuck(stuck: &[Child]) -> anyhow::Result<()> {
    let names: Vec<&str> = stuck.iter().map(|child| child.name.as_str()).collect();
    anyhow::ensure!(stuck.is_empty(), "could not stop {}", names.join(", "));
    Ok(())
}

fn ready_message(run: &Run, began: Instant) -> String {
    let seconds = began.elapsed().as_secs_f64();
    let mut lines = vec![String::new(), format!("Plinth is ready after {seconds:.1} s."), String::new()];
    let mut fact = |name: &str, value: String| lines.push(format!("  {name:<10} {value}"));
    if run.services.contains(&Service::Gateway) {
        let url = run.ports.url(Service::Gateway);
        fact("API", url.clone());
        fact("API docs", format!("{url}/docs"));
        if run.has_standins() {
            fact("mailbox", run.ports.url(Service::Notify));
        }
        fact("try next", "make demo".to_owned());
    } else {
        run.services.iter().for_each(|service| fact(service.name(), run.ports.url(*service)));
        fact("PostgreSQL", format!("127.0.0.1:{}", run.ports.postgres));
        fact("Redis", format!("127.0.0.1:{}", run.ports.redis));
    }
    if run.has_standins() || run.services.contains(&Service::Gateway) {
        let limits = match run.strict_limits {
            true => "as in production",
            false => "generous for one machine; as in production with --strict-limits",
        };
        fact("limits", limits.to_owned());
    }
    fact("state", run.state.path().display().to_string());
    fact("logs", run.state.logs().display().to_string());
    fact("stop", "Ctrl-C".to_owned());
    lines.push(String::new());
    lines.join("\n")
}
