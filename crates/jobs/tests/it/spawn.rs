//! A database with the tables of jobs, a job that tells the test what it does, and workers.

use std::{cell::RefCell, collections::HashMap, rc::Rc, time::Duration};

use diesel_async::AsyncPgConnection;
use ids::JobId;
use jobs::{Done, Effect, Failure, Handlers, Job, Lane, Options, Policy, Priority, Run, Worker};
use serde::{Deserialize, Serialize};
use service_kit::{
    db::Db,
    migrations::{Catalogue, Migrator},
    settings::Database,
};
use testing::TestDatabase;
use tokio::{sync::oneshot, task::JoinHandle};

/// A database of the test's own.
pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) db: Db,
}

pub(crate) async fn fixture() -> Fixture {
    let migrate = async |url: String| {
        let catalogue = Catalogue::embedded(&[&jobs::MIGRATIONS]).unwrap();
        Migrator::new(&url, None, catalogue).unwrap().up().await.unwrap();
    };
    let database = TestDatabase::create("jobs", migrate).await;
    let db = pool(&database);
    Fixture { database, db }
}

/// A pool of its own, as another process would have.
pub(crate) fn pool(database: &TestDatabase) -> Db {
    let url = database.url().to_owned().into();
    Db::new(&Database { url, owner_url: None, pool_size: 8, ca_file: None }).unwrap()
}

impl Fixture {
    /// One number out of the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.database.connect().await.batch_execute(sql).await.unwrap();
    }

    /// Waits until a number out of the database is `wanted`.
    pub(crate) async fn until(&self, sql: &str, wanted: i64) {
        let client = self.database.connect().await;
        let mut last = -1;
        for _ in 0..600 {
            last = client.query_one(sql, &[]).await.unwrap().get(0);
            if last == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{sql} is {last}, not {wanted}");
    }

    pub(crate) async fn enqueue(&self, job: &impl Job) -> JobId {
        loop {
            let mut connection = self.db.connection().await.unwrap();
            match jobs::enqueue(&mut connection, job).await {
                Ok(enqueued) => return enqueued.id,
                // A test has broken all connections; nothing was committed.
                Err(jobs::EnqueueError::Db(service_kit::db::Error::Unavailable(_))) => {}
                Err(why) => panic!("{why}"),
            }
        }
    }

    /// The job's state, wherever it stands.
    pub(crate) async fn state(&self, id: JobId) -> String {
        jobs::find(&self.db, None, id).await.unwrap().unwrap().state
    }

    /// Waits until a job is in a state.
    pub(crate) async fn until_state(&self, id: JobId, wanted: &str) {
        for _ in 0..600 {
            if self.state(id).await == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{id} is {}, not {wanted}", self.state(id).await);
    }
}

/// What handlers saw, in order.
pub(crate) type Log = Rc<RefCell<Vec<String>>>;

/// What a [`Probe`] does when it is run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub(crate) enum Act {
    #[default]
    Nothing,
    /// Adds a row to `effects` together with its end.
    Effect,
    /// The same, beside those of others.
    Noted,
    /// The same, and asks to be tried again after an hour.
    NotedAgain,
    /// Fails so many times, then succeeds.
    Fail(u32),
    Discard,
    Panic,
    /// Takes so many milliseconds.
    Sleep(u64),
    /// Writes checkpoints 1 to n, and fails once in the middle.
    Steps(u32),
    /// Takes so many milliseconds, then fails.
    Stumble(u64),
    /// Asks to be tried again after so many milliseconds, once.
    After(u64),
}

/// A job for tests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Probe {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) act: Act,
    #[serde(default)]
    pub(crate) lane: Option<(String, Option<u16>)>,
    #[serde(default)]
    pub(crate) unique: Option<String>,
}

impl Probe {
    pub(crate) fn new(name: impl ToString, act: Act) -> Self {
        Self { name: name.to_string(), act, ..Self::default() }
    }

    pub(crate) fn ordered(name: impl ToString, act: Act, lane: &str) -> Self {
        Self { lane: Some((lane.to_owned(), None)), ..Self::new(name, act) }
    }

    pub(crate) fn limited(name: impl ToString, act: Act, lane: &str, width: u16) -> Self {
        Self { lane: Some((lane.to_owned(), Some(width))), ..Self::new(name, act) }
    }
}

impl Job for Probe {
    type State = Log;

    const KIND: &'static str = "test.probe";
    const POLICY: Policy = Policy {
        max_attempts: 5,
        first_wait: Duration::from_millis(20),
        longest_wait: Duration::from_millis(100),
        priority: Priority::Normal,
        is_kept: true,
    };

    fn lane(&self) -> Option<Lane> {
        self.lane.as_ref().map(|(key, width)| match width {
            Some(width) => Lane::limited(key, *width),
            None => Lane::ordered(key),
        })
    }

    fn unique(&self) -> Option<String> {
        self.unique.clone()
    }

    async fn run(self, mut run: Run, log: Log) -> Result<Done, Failure> {
        log.borrow_mut().push(self.name.clone());
        match self.act {
            Act::Nothing => Ok(run.done()),
            Act::Effect => run.finish(async |connection| effect(connection, &self.name).await).await,
            Act::Noted => Ok(run.done_with(Said(self.name))),
            Act::NotedAgain => {
                Err(Failure::retry_after(Duration::from_secs(3600), "later").with(Said(self.name)))
            }
            Act::Fail(times) if run.attempt() <= times => Err(std::io::Error::other("not yet").into()),
            Act::Fail(_) => Ok(run.done()),
            Act::Discard => Err(Failure::discard("it makes no sense")),
            Act::Panic => panic!("a handler's own fault"),
            Act::Sleep(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                log.borrow_mut().push(format!("{} slept", self.name));
                Ok(run.done())
            }
            Act::Steps(steps) => {
                let from = run.last_checkpoint::<u32>()?.unwrap_or_default();
                for step in from + 1..=steps {
                    run.checkpoint(&step, async |connection| effect(connection, &self.name).await).await?;
                    if step == steps / 2 {
                        return Err(std::io::Error::other("in the middle").into());
                    }
                }
                Ok(run.done())
            }
            Act::Stumble(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Err(Failure::retry_after(Duration::from_secs(3600), "it stumbled"))
            }
            Act::After(millis) if run.attempt() == 1 => {
                Err(Failure::retry_after(Duration::from_millis(millis), "come back"))
            }
            Act::After(_) => Ok(run.done()),
        }
    }
}

/// Something that must happen exactly once for each time it is meant to.
async fn effect(connection: &mut AsyncPgConnection, name: &str) -> Result<(), Failure> {
    use diesel::{sql_query, sql_types::Text};
    use diesel_async::RunQueryDsl;
    let insert = sql_query("INSERT INTO effects (name) VALUES ($1)");
    insert.bind::<Text, _>(name).execute(connection).await?;
    Ok(())
}

/// An effect that commits beside others; that of `bad` cannot.
struct Said(String);

impl Effect for Said {
    async fn commit(connection: &mut AsyncPgConnection, effects: &[&Self]) -> Result<(), Failure> {
        for said in effects {
            let name = if said.0 == "bad" { "\0" } else { &said.0 };
            effect(connection, name).await?;
        }
        Ok(())
    }
}

/// Where effects go.
pub(crate) const EFFECTS: &str = "CREATE TABLE effects (name text NOT NULL)";

/// Options that make a test short.
pub(crate) fn quick() -> Options {
    Options {
        concurrency: 8,
        lease: Duration::from_millis(900),
        poll: Duration::from_millis(50),
        grace: Duration::from_secs(5),
    }
}

/// A worker that runs beside the test.
pub(crate) struct Running {
    pub(crate) log: Log,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts a worker with a pool of its own.
pub(crate) fn work(database: &TestDatabase, options: Options) -> Running {
    let log = Log::default();
    let worker = Worker::new(pool(database), Handlers::new().with::<Probe>(Rc::clone(&log)), options);
    let (stop, stopped) = oneshot::channel();
    let task = tokio::task::spawn_local(worker.run(async { drop(stopped.await) }));
    Running { log, stop, task }
}

impl Running {
    /// As on SIGTERM.
    pub(crate) async fn stop(self) -> Log {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
        self.log
    }

    /// As on `kill -9`: whatever it did, it does no more.
    pub(crate) async fn kill(self) -> Log {
        self.task.abort();
        // It was told to end.
        let _ = self.task.await;
        self.log
    }
}

/// How often each name was seen.
pub(crate) fn tally(log: &Log) -> HashMap<String, usize> {
    let mut tally = HashMap::new();
    log.borrow().iter().for_each(|name| *tally.entry(name.clone()).or_default() += 1);
    tally
}

/// Runs a test where handlers run: on one thread.
pub(crate) fn local<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}
