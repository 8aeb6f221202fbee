//! What can go wrong, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a local server could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server's programs are not installed.
    #[error("{0} is not installed; run deploy/local/prerequisites.sh")]
    Missing(&'static str),
    /// We are root, and PostgreSQL refuses to be; it needs the user `postgres`.
    #[error(
        "PostgreSQL refuses to run as root and there is no user postgres; create it, or run as a normal user"
    )]
    NoAccount,
    /// The user that runs the server cannot reach the directory.
    #[error(
        "the user {account} can't enter {}; allow it with `chmod o+x`, or choose another directory",
        path.display()
    )]
    Closed {
        /// The user that runs the server.
        account: String,
        /// The first directory on the way that refuses it.
        path: PathBuf,
    },
    /// The data was made by another user.
    #[error("{} belongs to another user (uid {uid}); start as that user, or afresh with --fresh", path.display())]
    Owner {
        /// The data directory.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// The data was made by another major version.
    #[error("{} was made by PostgreSQL {found}, and PostgreSQL {installed} is installed; start afresh with --fresh", path.display())]
    Version {
        /// The data directory.
        path: PathBuf,
        /// The major version in the data directory.
        found: String,
        /// The installed major version.
        installed: u32,
    },
    /// The data knows another password.
    #[error("{} was made with another password; start afresh with --fresh", .0.display())]
    Password(PathBuf),
    /// Another server uses the data right now.
    #[error("a PostgreSQL (pid {pid}) already uses {}", path.display())]
    Running {
        /// The other server.
        pid: u32,
        /// The data directory.
        path: PathBuf,
    },
    /// A program ended although it should have gone on, or failed at its one task.
    #[error("{program} ended with {status}{}", quoted(log))]
    Exited {
        /// What ran.
        program: &'static str,
        /// How it ended, in the system's words.
        status: String,
        /// Its last lines.
        log: String,
    },
    /// The server runs but doesn't answer.
    #[error("{program} did not answer within {seconds} s{}", quoted(log))]
    Silent {
        /// What ran.
        program: &'static str,
        /// How long we waited.
        seconds: u64,
        /// Its last lines.
        log: String,
    },
    /// The system refused something.
    #[error("can't {action} {}", path.display())]
    Io {
        /// What we tried, as a verb.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// Wraps the system's answer: `.map_err(Error::io("create", &path))`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

fn quoted(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("; its last lines:\n{log}") }
}
