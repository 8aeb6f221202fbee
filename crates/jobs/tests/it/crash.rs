//! Real worker processes and a real PostgreSQL, killed again and again in the middle of
//! ten thousand jobs: every effect happens exactly once.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use local_servers::{
    Postgres,
    postgres::Options,
    process::{Process, Signal},
};
use service_kit::migrations::{Catalogue, Migrator};
use tokio::process::{Child, Command};
use tokio_postgres::{Client, NoTls};

/// How many jobs flow.
const JOBS: i64 = 10_000;

/// Starts `examples/tally.rs`.
fn worker(url: &str) -> Child {
    let program = testing::bin_dir().join("examples/tally");
    Command::new(program).arg(url).process_group(0).kill_on_drop(true).spawn().unwrap()
}

fn process(child: &Child) -> Process {
    Process::find(child.id().unwrap()).unwrap()
}

/// Without fsync: what a killed server has written, the system still holds.
fn options(port: Option<u16>) -> Options {
    Options { fsync: false, port, ..Options::new("root") }
}

async fn server(dir: &Path) -> Postgres {
    Postgres::start(dir, options(None)).await.unwrap()
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// A database with the tables of jobs, `tallies`, and all the jobs in the queue.
async fn prepare(url: &str) {
    let catalogue = Catalogue::embedded(&[&jobs::MIGRATIONS]).unwrap();
    Migrator::new(url, None, catalogue).unwrap().up().await.unwrap();
    let client = client(url).await;
    client.batch_execute("CREATE TABLE tallies (number integer NOT NULL)").await.unwrap();
    let jobs = format!(
        "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts)
         SELECT gen_random_uuid(), 'example.tally', jsonb_build_object('number', n), 1, 'ready', 100
         FROM generate_series(1, {JOBS}) n"
    );
    client.batch_execute(&jobs).await.unwrap();
}

/// Waits until nothing is left in the queue, and holds what the tables say against what
/// they must.
async fn all_happened_exactly_once(url: &str) {
    let client = client(url).await;
    for _ in 0..1800 {
        if number(&client, "SELECT count(*) FROM jobs").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(number(&client, "SELECT count(*) FROM jobs").await, 0, "nothing is stuck");
    assert_eq!(number(&client, "SELECT count(*) FROM tallies").await, JOBS);
    assert_eq!(number(&client, "SELECT count(DISTINCT number) FROM tallies").await, JOBS);
    let ended = "SELECT count(*) FROM jobs_history WHERE outcome = 'succeeded'";
    assert_eq!(number(&client, ended).await, JOBS);
}

fn scratch() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    // The server runs as another user.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

#[tokio::test]
async fn ten_thousand_jobs_survive_kills_of_workers_and_of_postgresql() {
    let dir = scratch();
    let mut postgres = server(dir.path()).await;
    let url = postgres.url("postgres");
    prepare(&url).await;
    let mut workers = vec![worker(&url), worker(&url), worker(&url)];
    for round in 0..8_usize {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let place = round % workers.len();
        workers[place].kill().await.unwrap();
        workers[place] = worker(&url);
        if round % 4 == 2 {
            Process::find(postgres.pid()).unwrap().signal(Signal::KILL).unwrap();
            postgres.exited().await.unwrap();
            let port = Some(postgres.port());
            postgres = Postgres::start(dir.path(), options(port)).await.unwrap();
        }
    }
    all_happened_exactly_once(&url).await;
    for mut worker in workers {
        worker.kill().await.unwrap();
    }
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn workers_that_stand_still_past_their_leases_change_nothing_afterwards() {
    let dir = scratch();
    let postgres = server(dir.path()).await;
    let url = postgres.url("postgres");
    prepare(&url).await;
    let workers = [worker(&url), worker(&url)];
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        process(&workers[0]).signal(Signal::STOP).unwrap();
        // Longer than the leases, which the other one takes over meanwhile.
        tokio::time::sleep(Duration::from_secs(5)).await;
        process(&workers[0]).signal(Signal::CONT).unwrap();
    }
    all_happened_exactly_once(&url).await;
    for mut worker in workers {
        worker.kill().await.unwrap();
    }
    postgres.stop().await.unwrap();
}
