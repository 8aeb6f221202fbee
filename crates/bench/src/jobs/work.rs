//! The worker under test, in this process.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant, SystemTime},
};

use jobs::{Done, Failure, Handlers, Job, Options, Run, Worker};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    servers::{connect, pool},
    spread::Spread,
};

/// What handlers tell.
#[derive(Clone, Default)]
struct Told {
    count: Rc<Cell<u64>>,
    delays: Rc<RefCell<Vec<Duration>>>,
}

/// Does nothing; says how long after its making it began.
#[derive(Serialize, Deserialize)]
struct Noop {
    /// Microseconds since 1970; 0 when nobody asks.
    #[serde(default)]
    made: u64,
}

impl Job for Noop {
    type State = Told;

    const KIND: &'static str = "bench.noop";

    async fn run(self, run: Run, told: Told) -> Result<Done, Failure> {
        told.count.set(told.count.get() + 1);
        if self.made > 0 {
            told.delays.borrow_mut().push(Duration::from_micros(micros().saturating_sub(self.made)));
        }
        Ok(run.done())
    }
}

fn micros() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or_default()
}

/// How long jobs flow, and over which part the rate is taken.
pub(super) struct Flow {
    pub(super) span: Duration,
    pub(super) of_the_last: Duration,
}

/// A queue and a worker.
pub(super) struct Bench {
    url: String,
    db: Db,
}

impl Bench {
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self { url: url.to_owned(), db: pool(url)? })
    }

    /// Jobs a second, from the start of a worker until none of `count` is left.
    pub(super) async fn throughput(&self, count: u32) -> anyhow::Result<f64> {
        let client = connect(&self.url).await?;
        fill(&client, count).await?;
        let began = Instant::now();
        let working = self.work()?;
        while client.query_one("SELECT EXISTS (SELECT FROM jobs)", &[]).await?.get::<_, bool>(0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let rate = f64::from(count) / began.elapsed().as_secs_f64();
        working.stop().await;
        Ok(rate)
    }

    /// The delays from enqueueing to the start of the handler, one job at a time.
    pub(super) async fn latency(&self, count: usize, pause: Duration) -> anyhow::Result<Spread> {
        let working = self.work()?;
        // A worker's first look goes over all of the queue.
        self.db.transaction(async |connection| jobs::enqueue(connection, &Noop { made: 0 }).await).await?;
        while working.told.count.get() == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut next = tokio::time::interval(pause);
        for _ in 0..count {
            next.tick().await;
            let job = Noop { made: micros() };
            self.db.transaction(async |connection| jobs::enqueue(connection, &job).await).await?;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let delays = working.told.delays.take();
        anyhow::ensure!(delays.len() == count, "{} of {count} jobs were run", delays.len());
        working.stop().await;
        Ok(Spread::of(delays))
    }

    /// Jobs a second while others are enqueued all the time.
    pub(super) async fn flow(&self, flow: Flow) -> anyhow::Result<f64> {
        let client = connect(&self.url).await?;
        let working = self.work()?;
        let began = Instant::now();
        let mut filled = 0;
        let mut from = (Instant::now(), 0);
        while began.elapsed() < flow.span {
            let done = working.told.count.get();
            if began.elapsed() < flow.span - flow.of_the_last {
                from = (Instant::now(), done);
            }
            if filled < done + 4000 {
                fill(&client, 2000).await?;
                filled += 2000;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let done = u32::try_from(working.told.count.get() - from.1)?;
        let rate = f64::from(done) / from.0.elapsed().as_secs_f64();
        while client.query_one("SELECT EXISTS (SELECT FROM jobs)", &[]).await?.get::<_, bool>(0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        working.stop().await;
        Ok(rate)
    }

    fn work(&self) -> anyhow::Result<Working> {
        let told = Told::default();
        let options = Options { concurrency: 128, ..Options::default() };
        let worker = Worker::new(pool(&self.url)?, Handlers::new().with::<Noop>(told.clone()), options);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::task::spawn_local(worker.run(async { drop(stopped.await) }));
        Ok(Working { told, stop, task })
    }
}

struct Working {
    told: Told,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Working {
    async fn stop(self) {
        drop(self.stop);
        // It has nothing left to do.
        let _ = self.task.await;
    }
}

/// Ids grow with time, as those that the services make do (RFC 9562, section 5.7).
const UUID_V7: &str = "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
    || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid";

async fn fill(client: &tokio_postgres::Client, count: u32) -> anyhow::Result<()> {
    let fill = format!(
        "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts)
         SELECT {UUID_V7}, 'bench.noop', '{{}}', 1, 'ready', 20 FROM generate_series(1, {count})"
    );
    Ok(client.batch_execute(&fill).await?)
}
