//! A private Redis, without persistence: it is never the only copy of anything.

use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::child::Child;
use crate::{Error, port};

const READY_PATIENCE: Duration = Duration::from_secs(10);
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);
const READY_PAUSE: Duration = Duration::from_millis(20);
const STOP: [(Signal, Duration); 1] = [(Signal::TERM, Duration::from_secs(1))];

/// How a Redis is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The password that clients must give.
    pub password: String,
    /// The port on 127.0.0.1; a free one if none is given.
    pub port: Option<u16>,
}

impl Options {
    /// The usual: a free port.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self { password: password.into(), port: None }
    }
}

/// A running Redis. Dropping it kills the server.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    password: String,
    port: u16,
}

impl Redis {
    /// Starts a server in `dir` (its log is `dir/log`) and waits until it answers.
    ///
    /// # Errors
    /// See [`Error`]; each says what to do.
    pub async fn start(dir: &Path, options: Options) -> Result<Self, Error> {
        let mut server = Self::launch(dir, &options)?;
        server.ready().await?;
        Ok(server)
    }

    /// The first half of [`Redis::start`]: the server runs, but may not answer yet.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn launch(dir: &Path, options: &Options) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        let port = match options.port {
            Some(port) => port,
            None => port::free().map_err(Error::io("find a port for", dir))?,
        };
        // By standard input, because everybody can read the arguments of a process.
        let settings = input(dir, &settings(port, &options.password)).map_err(Error::io("write", dir))?;
        let mut command = Command::new("redis-server");
        command.arg("-").current_dir(dir);
        let child = Child::spawn("Redis", command, settings, &dir.join("log")).map_err(missing)?;
        Ok(Self { child, password: options.password.clone(), port })
    }

    /// The second half of [`Redis::start`]: waits until the server answers.
    ///
    /// # Errors
    /// If it ends, or says nothing for 10 s.
    pub async fn ready(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + READY_PATIENCE;
        while Instant::now() < deadline {
            self.child.check()?;
            // Whoever has our port instead of our server may never answer.
            let answer = timeout(ANSWER_PATIENCE, ping(self.port, &self.password)).await;
            if matches!(answer, Ok(Ok(true))) {
                return Ok(());
            }
            tokio::time::sleep(READY_PAUSE).await;
        }
        Err(self.child.silent(READY_PATIENCE))
    }

    /// The URL with the password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}", self.password, self.port)
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

    /// Stops the server, by force after 1 s.
    ///
    /// # Errors
    /// When the system refuses to signal it.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.child.stop(&STOP).await
    }
}

fn settings(port: u16, password: &str) -> String {
    format!("bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave \"\"\nappendonly no\ndaemonize no\n")
}

/// A nameless file, positioned at its start, to be somebody's standard input.
fn input(dir: &Path, text: &str) -> io::Result<Stdio> {
    let mut file = tempfile::tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.seek(SeekFrom::Start(0))?;
    Ok(Stdio::from(file))
}

fn missing(error: Error) -> Error {
    match error {
        Error::Io { action: "run", source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Error::Missing("Redis")
        }
        other => other,
    }
}

/// Whether the server knows the password and answers.
async fn ping(port: u16, password: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(format!("AUTH {password}\r\nPING\r\nQUIT\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.contains("+PONG"))
}
