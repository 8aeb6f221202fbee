use rustix::process::{Pid, Signal, kill_process};

use crate::{Plinth, Tables};

/// PostgreSQL standing still: its processes keep all connections and answer nothing. It
/// goes on when this value ends.
#[derive(Debug)]
pub struct FrozenPostgres(Vec<Pid>);

impl FrozenPostgres {
    /// Stops the server and whatever serves a connection now; new connections hang.
    #[expect(clippy::expect_used, reason = "a fault that does not happen proves nothing")]
    pub async fn of(plinth: &Plinth) -> Self {
        let endpoints = plinth.endpoints().expect("it is ready");
        let url = endpoints["postgres"]["url"].as_str().expect("the superuser's URL").to_owned();
        let client = Tables::at(url).connect().await.expect("a connection");
        plinth.signal("postgres", Signal::STOP);
        let rows = client.query("SELECT pid FROM pg_stat_activity", &[]).await.expect("all processes");
        let pids: Vec<Pid> = rows.iter().filter_map(|row| Pid::from_raw(row.get(0))).collect();
        let all = pids.into_iter().chain(plinth.pid("postgres")).collect();
        let frozen = Self(all);
        frozen.signal(Signal::STOP);
        frozen
    }

    fn signal(&self, signal: Signal) {
        for pid in &self.0 {
            // Tolerated: one that served a connection may have ended.
            let _ = kill_process(*pid, signal);
        }
    }
}

impl Drop for FrozenPostgres {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}
