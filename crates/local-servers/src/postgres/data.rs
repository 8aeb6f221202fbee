//! The cluster's directory: made once, checked at each start.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::process::Command;

use super::binaries::Binaries;
use super::{Options, SUPERUSER};
use crate::account::Account;
use crate::child::run;
use crate::{Error, process};

/// The data directory of the cluster in `dir`, fit to be started.
pub(crate) async fn ensure(
    dir: &Path,
    binaries: &Binaries,
    account: Account,
    options: &Options,
) -> Result<PathBuf, Error> {
    let data = dir.join("data");
    if !data.exists() {
        make(dir, &data, binaries, account, options).await?;
    }
    account.check_owner(&data)?;
    check_version(&data, binaries)?;
    remove_stale_pid(&data)?;
    Ok(data)
}

/// Makes the cluster beside its place and renames it, so that an interrupted start leaves
/// nothing that looks whole.
async fn make(
    dir: &Path,
    data: &Path,
    binaries: &Binaries,
    account: Account,
    options: &Options,
) -> Result<(), Error> {
    let draft = dir.join("data.new");
    remove_dir(&draft).map_err(Error::io("remove", &draft))?;
    let password = password_file(dir, &options.password).map_err(Error::io("write", dir))?;
    account.take(password.path())?;

    let mut command = Command::new(binaries.initdb());
    command.arg("--pgdata").arg(&draft).arg("--pwfile").arg(password.path()).current_dir("/");
    command.args(["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8"]);
    command.args(["--locale", locale()]);
    if !options.fsync {
        command.arg("--no-sync");
    }
    account.run_as(&mut command);
    run("initdb", &mut command).await?;
    fs::rename(&draft, data).map_err(Error::io("move", &draft))
}

/// Bytes order the same on every machine; letters have upper and lower case where the system knows.
const fn locale() -> &'static str {
    if cfg!(target_os = "linux") { "C.UTF-8" } else { "C" }
}

fn password_file(dir: &Path, password: &str) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(dir)?; // readable by its owner only
    file.write_all(password.as_bytes())?;
    file.flush()?;
    Ok(file)
}

fn check_version(data: &Path, binaries: &Binaries) -> Result<(), Error> {
    let file = data.join("PG_VERSION");
    let found = fs::read_to_string(&file).map_err(Error::io("read", &file))?.trim().to_owned();
    if found == binaries.major.to_string() {
        return Ok(());
    }
    Err(Error::Version { path: data.to_owned(), found, installed: binaries.major })
}

/// A killed server leaves its pid behind. If a stranger has that number now, PostgreSQL would
/// take it for a living server and refuse to start.
fn remove_stale_pid(data: &Path) -> Result<(), Error> {
    let file = data.join("postmaster.pid");
    let text = match fs::read_to_string(&file) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(Error::io("read", &file))?,
    };
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
    if let Some(pid) = pid.filter(|pid| is_postgres(*pid)) {
        return Err(Error::Running { pid, path: data.to_owned() });
    }
    fs::remove_file(&file).map_err(Error::io("remove", &file))
}

fn is_postgres(pid: u32) -> bool {
    process::Process::find(pid)
        .and_then(|_alive| process::name(pid))
        .is_some_and(|name| name.starts_with("postgres"))
}

fn remove_dir(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
