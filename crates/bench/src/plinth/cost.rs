//! What processes compute, and which statements a database is sent.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::param::clock_ticks_per_second;
use tokio_postgres::Client;

use crate::servers::{Servers, connect};

/// Of some processes and databases.
pub(crate) struct Meter {
    pids: Vec<u32>,
    /// The server, whose children serve connections.
    postgres: u32,
    databases: Vec<String>,
    client: Client,
    /// Statements a second that are sent without anybody asking.
    idle: f64,
}

/// A reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    at: Instant,
    own: Duration,
    postgres: Duration,
    statements: i64,
}

/// What was spent between two readings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    /// Computed by the processes.
    pub(crate) own: Duration,
    /// Computed by PostgreSQL.
    pub(crate) postgres: Duration,
    /// Sent because somebody asked.
    pub(crate) statements: f64,
}

/// How long is listened for what is sent without anybody asking.
const QUIET: Duration = Duration::from_secs(3);

impl Meter {
    pub(crate) async fn start(pids: Vec<u32>, servers: &Servers, databases: &[&str]) -> anyhow::Result<Self> {
        let client = connect(&servers.url("postgres")).await?;
        let databases = databases.iter().map(|name| (*name).to_owned()).collect();
        let mut meter = Self { pids, postgres: servers.pid(), databases, client, idle: 0.0 };
        let before = meter.read().await?;
        tokio::time::sleep(QUIET).await;
        meter.idle = meter.since(before).await?.statements / QUIET.as_secs_f64();
        Ok(meter)
    }

    pub(crate) async fn read(&self) -> anyhow::Result<Reading> {
        let sql = "SELECT coalesce(sum(calls), 0)::bigint
                   FROM pg_stat_statements JOIN pg_database ON oid = dbid
                   WHERE datname = ANY($1)";
        let statements = self.client.query_one(sql, &[&self.databases]).await?.get(0);
        let own = self.pids.iter().filter_map(|pid| Computed::of(*pid)).map(|computed| computed.own).sum();
        Ok(Reading { at: Instant::now(), own, postgres: computed_below(self.postgres), statements })
    }

    pub(crate) async fn since(&self, before: Reading) -> anyhow::Result<Spent> {
        let now = self.read().await?;
        let idle = self.idle * (now.at - before.at).as_secs_f64();
        let sent = i32::try_from(now.statements - before.statements)?;
        Ok(Spent {
            own: now.own.saturating_sub(before.own),
            postgres: now.postgres.saturating_sub(before.postgres),
            statements: (f64::from(sent) - idle).max(0.0),
        })
    }
}

/// What a process computed, as the kernel keeps it: proc(5), `/proc/pid/stat`.
struct Computed {
    parent: u32,
    own: Duration,
    /// Of its children that ended.
    ended: Duration,
}

impl Computed {
    fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets and may hold anything; what follows begins with field 3.
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u32>().ok();
        let hertz = u32::try_from(clock_ticks_per_second()).ok()?;
        let time = |user: usize, system: usize| {
            Some(Duration::from_secs(u64::from(field(user)? + field(system)?)) / hertz)
        };
        Some(Self { parent: field(4)?, own: time(14, 15)?, ended: time(16, 17)? })
    }
}

/// What a process and its children computed.
pub(crate) fn computed_below(pid: u32) -> Duration {
    let Ok(all) = fs::read_dir("/proc") else { return Duration::ZERO };
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let children = pids.filter_map(Computed::of).filter(|child| child.parent == pid);
    let server = Computed::of(pid).map_or(Duration::ZERO, |server| server.own + server.ended);
    server + children.map(|child| child.own).sum::<Duration>()
}

/// Kibibytes of a process, as proc(5) has them in `/proc/pid/status`.
pub(crate) fn memory(pid: u32, field: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_below_its_parent() {
        let me = Computed::of(std::process::id()).unwrap();
        assert!(Computed::of(me.parent).is_some());
        assert!(computed_below(me.parent) >= me.own);
        assert!(Computed::of(u32::MAX).is_none());
    }
}
