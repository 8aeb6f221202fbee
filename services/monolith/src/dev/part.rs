//! The parts of a run (two servers and the services), each kept alive.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use local_servers::{Postgres, Redis, postgres, redis};
use service_discovery::Service;
use tokio::process::Command;

use super::backoff::Backoff;
use super::build;
use super::children::Kind;
use super::environment;
use super::process::{Process, obituary};
use super::run::Run;

/// What shall run.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Postgres,
    Redis,
    Service(Service, PathBuf),
    /// What `plinth standins` runs.
    Standins,
}

/// What runs.
#[derive(Debug)]
pub(crate) enum Running {
    Postgres(Postgres),
    Redis(Redis),
    Program(Process),
}

impl Part {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Service(service, _) => service.name(),
            Self::Standins => "standins",
        }
    }

    /// Starts it. A server is waited for; whether a service is ready is another question.
    pub(crate) async fn start(&self, run: &Arc<Run>) -> anyhow::Result<Running> {
        match self {
            Self::Postgres => self.start_postgres(run).await,
            Self::Redis => self.start_redis(run).await,
            Self::Service(service, program) => {
                let mut command = Command::new(program);
                command.arg("serve");
                self.start_program(run, command, *service)
            }
            Self::Standins => {
                let mut command = Command::new(build::own_program()?);
                command.arg("standins");
                self.start_program(run, command, Service::Notify)
            }
        }
    }

    /// The service that answers when it is ready: the mail service's place is the mailbox's.
    pub(crate) fn service(&self) -> Option<Service> {
        match self {
            Self::Postgres | Self::Redis => None,
            Self::Service(service, _) => Some(*service),
            Self::Standins => Some(Service::Notify),
        }
    }

    fn start_program(
        &self,
        run: &Arc<Run>,
        mut command: Command,
        service: Service,
    ) -> anyhow::Result<Running> {
        command.current_dir(run.state.path());
        environment::give(&mut command, run, service);
        Ok(Running::Program(Process::start(run, self.name(), command)?))
    }

    /// It and what runs.
    pub(crate) async fn started(self, run: &Arc<Run>) -> anyhow::Result<(Self, Running)> {
        let running = self.start(run).await?;
        Ok((self, running))
    }

    async fn start_postgres(&self, run: &Run) -> anyhow::Result<Running> {
        let port = Some(run.ports.postgres);
        let options = postgres::Options { port, ..postgres::Options::new(&run.secrets.postgres) };
        let mut server = Postgres::launch(&run.state.postgres(), &options).await?;
        run.children.enter(self.name(), Kind::Postgres, server.pid())?;
        server.ready().await?;
        Ok(Running::Postgres(server))
    }

    async fn start_redis(&self, run: &Run) -> anyhow::Result<Running> {
        let options =
            redis::Options { port: Some(run.ports.redis), ..redis::Options::new(&run.secrets.redis) };
        let mut server = Redis::launch(&run.state.redis(), &options)?;
        run.children.enter(self.name(), Kind::Redis, server.pid())?;
        server.ready().await?;
        Ok(Running::Redis(server))
    }
}

impl Running {
    fn pid(&self) -> u32 {
        match self {
            Self::Postgres(server) => server.pid(),
            Self::Redis(server) => server.pid(),
            Self::Program(process) => process.pid(),
        }
    }

    /// Waits for the end; says how it was, in the system's words.
    pub(crate) async fn ended(&mut self) -> String {
        let status = match self {
            Self::Postgres(server) => server.exited().await,
            Self::Redis(server) => server.exited().await,
            Self::Program(process) => return process.ended().await,
        };
        status.map_or_else(|e| e.to_string(), |status| status.to_string())
    }

    pub(crate) fn last_lines(&self) -> String {
        match self {
            Self::Postgres(server) => server.last_lines(),
            Self::Redis(server) => server.last_lines(),
            Self::Program(process) => process.last_lines(),
        }
    }
}

/// Reports each death of a part, and starts it again, until the run stops.
pub(crate) async fn keep(run: Arc<Run>, part: Part, mut running: Running) {
    let mut backoff = Backoff::default();
    let mut began = Instant::now();
    loop {
        let status = running.ended().await;
        let struck = run.children.leave(running.pid()).and_then(|()| run.refresh());
        if run.stopping.is_cancelled() {
            return;
        }
        if let Err(e) = struck {
            run.screen.say(&format!("can't write to the state directory: {e}"));
        }
        let words = obituary(part.name(), &status, &running.last_lines());
        run.screen.say(&format!("\n!! {words}"));
        let mut pause = backoff.after(began.elapsed());
        running = loop {
            match start_again(&run, &part, pause).await {
                Some(started) => break started,
                None if run.stopping.is_cancelled() => return,
                None => pause = backoff.after(Duration::ZERO),
            }
        };
        began = Instant::now();
    }
}

/// Starts a part after a pause. None if it doesn't start, or the run stops.
async fn start_again(run: &Arc<Run>, part: &Part, pause: Duration) -> Option<Running> {
    let name = part.name();
    run.screen.say(&format!("starting {name} again in {} s", pause.as_secs_f64()));
    tokio::select! {
        () = run.stopping.cancelled() => return None,
        () = tokio::time::sleep(pause) => {}
    }
    let started = part.start(run).await.and_then(|started| Ok((started, run.refresh()?)));
    match started {
        Ok((running, ())) => {
            run.screen.say(&format!("{name} runs again"));
            Some(running)
        }
        Err(_) if run.stopping.is_cancelled() => None,
        Err(e) => {
            run.screen.say(&format!("{name} does not start: {e:#}"));
            None
        }
    }
}
