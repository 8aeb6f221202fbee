use std::{
    cell::Cell,
    iter,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use deadpool::{
    Runtime,
    managed::{BuildError, TimeoutType, Timeouts},
};
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool, PoolError},
    },
};
use futures_util::future::select_ok;

use super::Connector;

/// How long a request waits for a free connection before it is told to come back.
const WAIT: Duration = Duration::from_secs(5);

/// How long it waits for one of its own thread's before it takes what it gets.
const WAIT_FOR_OWN: Duration = Duration::from_millis(10);

/// A pool for each thread that serves: what a connection reads and writes is done by the
/// thread that made it, and whoever uses it elsewhere pays two switches of threads for every
/// answer. A thread whose own are all taken uses those of others that lie idle, and makes one
/// in their place only if that lasts, for it would be theirs in name alone.
#[derive(Clone)]
pub(super) struct Pools(Arc<[Pool<AsyncPgConnection>]>);

impl Pools {
    /// At most `size` connections in all.
    pub(super) fn new(connector: &Connector, size: usize) -> Result<Self, BuildError> {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        shares(size, workers).map(|share| pool(connector.clone(), share)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) async fn get(&self) -> Result<Object<AsyncPgConnection>, PoolError> {
        let own = THREAD.get() % self.0.len();
        if let Some(got_or_failed) = get_within(&self.0[own], Duration::ZERO).await {
            return got_or_failed;
        }
        for idle in self.0.iter().filter(|pool| pool.status().available > 0) {
            if let Some(got_or_failed) = get_within(idle, Duration::ZERO).await {
                return got_or_failed;
            }
        }
        if let Some(got_or_failed) = get_within(&self.0[own], WAIT_FOR_OWN).await {
            return got_or_failed;
        }
        let whichever = self.0.iter().map(|pool| Box::pin(pool.get()));
        select_ok(whichever).await.map(|(connection, _others)| connection)
    }
}

/// A connection of this pool, or what failed; nothing, if none came free in time.
async fn get_within(
    pool: &Pool<AsyncPgConnection>,
    wait: Duration,
) -> Option<Result<Object<AsyncPgConnection>, PoolError>> {
    match pool.timeout_get(&Timeouts { wait: Some(wait), ..timeouts() }).await {
        Err(PoolError::Timeout(TimeoutType::Wait)) => None,
        got_or_failed => Some(got_or_failed),
    }
}

thread_local! {
    /// Which thread this is, of those that have ever asked.
    static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many each thread has of `size`, at least one: first the one that does what no request
/// waits for, which asks first and has half of what each worker has. Of more threads, some
/// share.
fn shares(size: usize, workers: usize) -> impl Iterator<Item = usize> {
    let workers = workers.clamp(1, size.saturating_sub(1).max(1));
    let beside = (size / (2 * workers + 1)).max(1);
    let (each, more) = (size.saturating_sub(beside) / workers, size.saturating_sub(beside) % workers);
    let workers = iter::repeat_n(each + 1, more).chain(iter::repeat_n(each, workers - more));
    iter::once(beside).chain(workers).filter(|share| *share > 0)
}

fn pool(connector: Connector, size: usize) -> Result<Pool<AsyncPgConnection>, BuildError> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_url| {
        let connector = connector.clone();
        Box::pin(async move { connector.connect().await.map_err(Into::into) })
    });
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config("", config);
    Pool::builder(manager).max_size(size).timeouts(timeouts()).runtime(Runtime::Tokio1).build()
}

const fn timeouts() -> Timeouts {
    Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: None }
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(Pool::status)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_out_is_all_there_is() {
        let shares = |size, workers| shares(size, workers).collect::<Vec<_>>();
        assert_eq!(shares(10, 2), [2, 4, 4]);
        assert_eq!(shares(10, 1), [3, 7]);
        assert_eq!(shares(2, 3), [1, 1]);
        assert_eq!(shares(1, 64), [1]);
        for size in 1..40 {
            for workers in 1..20 {
                let all = shares(size, workers);
                assert!(all.iter().sum::<usize>() == size && all.iter().all(|share| *share > 0), "{all:?}");
            }
        }
    }
}
