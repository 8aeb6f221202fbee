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

/// A pool for each thread that serves: what a connection reads and writes is done by the
/// thread that made it, and whoever uses it elsewhere pays two switches of threads for every
/// answer. A thread whose own are all taken uses those of others, so that none is free while
/// somebody waits.
#[derive(Clone)]
pub(super) struct Pools(Arc<[Pool<AsyncPgConnection>]>);

impl Pools {
    /// At most `size` connections in all.
    pub(super) fn new(connector: &Connector, size: usize) -> Result<Self, BuildError> {
        // One more thread than actix has: the one that does what no request waits for.
        let threads = thread::available_parallelism().map_or(1, usize::from) + 1;
        shares(size, threads).map(|share| pool(connector.clone(), share)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) async fn get(&self) -> Result<Object<AsyncPgConnection>, PoolError> {
        let at_once = Timeouts { wait: Some(Duration::ZERO), ..timeouts() };
        for pool in self.own_first() {
            match pool.timeout_get(&at_once).await {
                Err(PoolError::Timeout(TimeoutType::Wait)) => {}
                got_or_failed => return got_or_failed,
            }
        }
        let whichever = self.own_first().map(|pool| Box::pin(pool.get()));
        select_ok(whichever).await.map(|(connection, _others)| connection)
    }

    fn own_first(&self) -> impl Iterator<Item = &Pool<AsyncPgConnection>> {
        let own = THREAD.get() % self.0.len();
        self.0[own..].iter().chain(&self.0[..own])
    }
}

thread_local! {
    /// Which thread this is, of those that have ever asked.
    static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many each thread has of `size`, at least one: of more threads, some share.
fn shares(size: usize, threads: usize) -> impl Iterator<Item = usize> {
    let pools = threads.clamp(1, size.max(1));
    let (each, more) = (size / pools, size % pools);
    iter::repeat_n(each + 1, more).chain(iter::repeat_n(each, pools - more))
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
        let shares = |size, threads| shares(size, threads).collect::<Vec<_>>();
        assert_eq!(shares(10, 3), [4, 3, 3]);
        assert_eq!(shares(2, 3), [1, 1]);
        assert_eq!(shares(1, 65), [1]);
        for size in 1..40 {
            for threads in 1..20 {
                let all = shares(size, threads);
                assert!(all.iter().sum::<usize>() == size && all.iter().all(|share| *share > 0), "{all:?}");
            }
        }
    }
}
