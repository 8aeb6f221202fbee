//! What tests leave behind: databases, temporary files, processes. There should be none.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use local_servers::process::{self, Process, Signal};
use tokio_postgres::NoTls;

/// The databases that are neither the server's own nor templates that tests clone.
const DATABASES: &str =
    "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname";

/// A server that a test killed takes a moment to go.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);

/// Names all that is left, and ends the processes among it.
pub(super) async fn collect(postgres: &str, scratch: &Path) -> Result<Vec<String>> {
    let mut left = processes(scratch).await?;
    left.extend(files(scratch)?);
    left.extend(databases(postgres).await?);
    Ok(left)
}

async fn databases(postgres: &str) -> Result<Vec<String>> {
    let (client, connection) = tokio_postgres::connect(postgres, NoTls).await?;
    let connection = tokio::spawn(connection);
    let rows = client.query(DATABASES, &[]).await?;
    drop(client);
    connection.await??;
    let name = |row: &tokio_postgres::Row| row.try_get(0).map(|name: &str| format!("database {name}"));
    rows.iter().map(name).collect::<Result<_, _>>().context("a database has no name")
}

fn files(scratch: &Path) -> Result<Vec<String>> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        Ok(format!("temporary file {}", entry?.file_name().to_string_lossy()))
    };
    std::fs::read_dir(scratch)?.map(name).collect()
}

/// The processes that outlive the tests, each with its group, which is killed.
async fn processes(scratch: &Path) -> Result<Vec<String>> {
    let deadline = Instant::now() + PATIENCE;
    let mut pids = of_folder(scratch);
    while !pids.is_empty() && Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
        pids = of_folder(scratch);
    }
    let mut left = Vec::new();
    for pid in pids {
        let name = process::name(pid).unwrap_or_default();
        left.push(format!("process {name} ({pid})"));
        if let Some(process) = Process::find(pid) {
            process.signal(Signal::KILL)?;
        }
    }
    Ok(left)
}

/// The processes that work in a folder, or were told of it by argument or environment.
/// Only Linux tells; elsewhere none are found.
fn of_folder(folder: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered =
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    numbered.filter(|(_, process)| knows(process, folder)).map(|(pid, _)| pid).collect()
}

fn knows(process: &Path, folder: &Path) -> bool {
    let path = folder.as_os_str().as_encoded_bytes();
    let told = |file: &str| {
        let text = std::fs::read(process.join(file)).unwrap_or_default();
        text.windows(path.len()).any(|part| part == path)
    };
    told("cmdline")
        || told("environ")
        || std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_process_of_the_folder_is_found_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut sleeper = tokio::process::Command::new("sleep");
        let mut child = sleeper.arg("60").current_dir(folder.path()).process_group(0).spawn().unwrap();
        let pid = child.id().unwrap();
        assert_eq!(processes(folder.path()).await.unwrap(), [format!("process sleep ({pid})")]);
        assert!(!child.wait().await.unwrap().success());
        assert_eq!(processes(folder.path()).await.unwrap(), [""; 0]);
    }

    #[test]
    fn a_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(files(folder.path()).unwrap(), [""; 0]);
        std::fs::write(folder.path().join("a"), "").unwrap();
        assert_eq!(files(folder.path()).unwrap(), ["temporary file a"]);
    }
}
