//! A private PostgreSQL cluster.

mod binaries;
mod data;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use self::binaries::Binaries;
use crate::account::Account;
use crate::child::Child;
use crate::{Error, port};

/// The superuser of every cluster that is made here.
pub const SUPERUSER: &str = "postgres";

/// Recovery after a crash may take a while; an answer usually comes within 0.2 s.
const READY_PATIENCE: Duration = Duration::from_secs(60);
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
const READY_PAUSE: Duration = Duration::from_millis(30);

/// A start fails while processes of a killed server still hold its memory, or if somebody took
/// the port that was free a moment ago; both pass.
const ATTEMPTS: u32 = 4;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(500);

/// Fast shutdown (clients are cut off), then immediate (the next start recovers).
const STOP: [(Signal, Duration); 2] =
    [(Signal::INT, Duration::from_secs(2)), (Signal::QUIT, Duration::from_secs(1))];

/// How a cluster is made and run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The superuser's password, set when the cluster is made.
    pub password: String,
    /// The port on 127.0.0.1; a free one if none is given.
    pub port: Option<u16>,
    /// Whether a commit waits for the disk. Without it a crash of the machine (not of the server)
    /// may ruin the data: for tests only.
    pub fsync: bool,
    /// How many clients may be connected at a time.
    pub max_connections: u16,
}

impl Options {
    /// The usual: a free port, fsync, 200 connections.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self { password: password.into(), port: None, fsync: true, max_connections: 200 }
    }
}

/// A running PostgreSQL. Dropping it kills the server; the next start recovers the data.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    data: PathBuf,
    password: String,
    port: u16,
}

impl Postgres {
    /// Starts a server on the cluster in `dir`, which is made on first use, and waits until it
    /// answers. The data is in `dir/data`, the log in `dir/log`.
    ///
    /// # Errors
    /// See [`Error`]; each says what to do.
    pub async fn start(dir: &Path, options: Options) -> Result<Self, Error> {
        let mut attempt = 1;
        loop {
            let mut server = Self::launch(dir, &options).await?;
            match server.ready().await {
                Err(Error::Exited { .. }) if attempt < ATTEMPTS => tokio::time::sleep(ATTEMPT_PAUSE).await,
                answer => return answer.map(|()| server),
            }
            attempt += 1;
        }
    }

    /// The first half of [`Postgres::start`]: the server runs, but may not answer yet.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn launch(dir: &Path, options: &Options) -> Result<Self, Error> {
        let binaries = Binaries::find().await?;
        let account = Account::for_postgres().await?;
        account.own_dir(dir)?;
        let data = data::ensure(dir, &binaries, account, options).await?;
        let port = match options.port {
            Some(port) => port,
            None => port::free().map_err(Error::io("find a port for", dir))?,
        };
        let mut command = Command::new(binaries.postgres());
        command.arg("-D").arg(&data).args(arguments(port, options)).current_dir("/");
        account.run_as(&mut command);
        let child = Child::spawn("PostgreSQL", command, Stdio::null(), &dir.join("log"))?;
        Ok(Self { child, data, password: options.password.clone(), port })
    }

    /// The second half of [`Postgres::start`]: waits until the server answers.
    ///
    /// # Errors
    /// If it ends, says nothing for a minute or was made with another password.
    pub async fn ready(&mut self) -> Result<(), Error> {
        let url = self.url("postgres");
        let deadline = Instant::now() + READY_PATIENCE;
        while Instant::now() < deadline {
            self.child.check()?;
            // Whoever has our port instead of our server may never answer.
            match timeout(ANSWER_PATIENCE, greet(&url)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(e)) if e.code() == Some(&SqlState::INVALID_PASSWORD) => {
                    return Err(Error::Password(self.data.clone()));
                }
                _not_yet => tokio::time::sleep(READY_PAUSE).await,
            }
        }
        Err(self.child.silent(READY_PATIENCE))
    }

    /// The superuser's URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, &self.password, database)
    }

    /// A role's URL of a database. Neither may hold characters that a URL would need escaped.
    #[must_use]
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the server, which leads its own process group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The last lines of the server's log.
    #[must_use]
    pub fn last_lines(&self) -> String {
        self.child.last_lines()
    }

    /// Waits until the server ends, by itself or by someone's hand.
    ///
    /// # Errors
    /// When the system can't tell.
    pub async fn exited(&mut self) -> io::Result<ExitStatus> {
        self.child.exited().await
    }

    /// Stops the server: fast (2 s), then immediate (1 s), then by force.
    ///
    /// # Errors
    /// When the system refuses to signal it.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.child.stop(&STOP).await
    }
}

/// Logs in and out.
async fn greet(url: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    drop(client);
    connection.await
}

fn arguments(port: u16, options: &Options) -> Vec<String> {
    let durable = if options.fsync { "on" } else { "off" };
    let settings = [
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        // Clients come by TCP: no socket file that a crash would leave behind.
        ("unix_socket_directories", String::new()),
        ("max_connections", options.max_connections.to_string()),
        ("timezone", "UTC".to_owned()),
        ("fsync", durable.to_owned()),
        ("synchronous_commit", durable.to_owned()),
        ("full_page_writes", durable.to_owned()),
    ];
    settings.iter().flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]).collect()
}
