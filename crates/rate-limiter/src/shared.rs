use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, ThreadId},
};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use data_encoding::HEXLOWER;
use deadpool_redis::{
    Connection, Pool,
    redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, aio::MultiplexedConnection, cmd},
};

use crate::{Count, decision::Told};

/// The law of `Quota::count` by Redis' clock, which all replicas share, in microseconds. Gives
/// of each count how far it is ahead of the clock, and how long the request must wait for it; if
/// there is such a wait, nothing is written.
/// A number of 16 digits is exact in Lua, but must not be written as `1.7e15`.
const SCRIPT: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local counts, told, allowed = redis.call('MGET', unpack(KEYS)), {}, true
for i = 1, #KEYS do
  local count = math.max(tonumber(counts[i]) or 0, now)
  local next = count + tonumber(ARGV[2 * i - 1])
  local wait = math.max(next - tonumber(ARGV[2 * i]) - now, 0)
  counts[i], told[2 * i - 1], told[2 * i] = next, count - now, wait
  allowed = allowed and wait == 0
end
if not allowed then return told end
for i = 1, #KEYS do
  local ahead = counts[i] - now
  redis.call('SET', KEYS[i], string.format('%.0f', counts[i]), 'PX', math.ceil(ahead / 1000))
  told[2 * i - 1] = ahead
end
return told";

/// A count and its name in Redis.
#[derive(Debug)]
pub(crate) struct Named<'a> {
    pub(crate) name: String,
    pub(crate) count: &'a Count,
}

/// Counts in Redis.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pool: Pool,
    /// How Redis names the script: that is what its SHA-1 is for, and all.
    script: Arc<str>,
    /// The connection that all requests of a thread share, as many as are on their way: taking
    /// one from the pool would cost a PING, and one of another thread two switches of threads.
    held: Arc<Mutex<HashMap<ThreadId, MultiplexedConnection>>>,
}

impl Shared {
    pub(crate) fn new(pool: Pool) -> Self {
        let script = HEXLOWER.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, SCRIPT.as_bytes()).as_ref());
        Self { pool, script: script.into(), held: Arc::default() }
    }

    /// Counts so many requests alike by all or by none.
    ///
    /// # Errors
    /// When Redis is away, or says no.
    pub(crate) async fn count(&self, named: &[Named<'_>], requests: u32) -> Result<Vec<Told>, String> {
        let mut connection = self.connection().await?;
        let called: Result<Vec<u64>, RedisError> =
            call("EVALSHA", &self.script, named, requests).query_async(&mut connection).await;
        let told = match called {
            // It was restarted, and knows no scripts yet. Nothing was counted.
            Err(why) if why.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                call("EVAL", SCRIPT, named, requests).query_async(&mut connection).await
            }
            told => told,
        };
        let told = told.map_err(|why| why.to_string())?;
        let pairs = told.chunks_exact(2).map(|pair| Told { ahead: pair[0], wait: pair[1] });
        Ok(pairs.collect())
    }

    /// The next one gets a new connection: this one may lead nowhere.
    pub(crate) fn hang_up(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&thread::current().id());
    }

    async fn connection(&self) -> Result<MultiplexedConnection, String> {
        let thread = thread::current().id();
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).get(&thread).cloned();
        if let Some(held) = held {
            return Ok(held);
        }
        let new = Connection::take(self.pool.get().await.map_err(|why| why.to_string())?);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(thread, new.clone());
        Ok(new)
    }
}

fn call(verb: &str, script: &str, named: &[Named<'_>], requests: u32) -> Cmd {
    let mut call = cmd(verb);
    call.arg(script).arg(named.len());
    named.iter().for_each(|named| {
        call.arg(&named.name);
    });
    for Count { policy, cost, .. } in named.iter().map(|named| named.count) {
        let weight = policy.quota().weight(*cost).saturating_mul(u64::from(requests));
        call.arg(weight).arg(policy.quota().tolerance());
    }
    call
}
