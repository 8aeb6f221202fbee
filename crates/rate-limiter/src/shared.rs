use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use data_encoding::HEXLOWER;
use deadpool_redis::{
    Pool,
    redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, cmd},
};

use crate::Quota;

/// The law of [`Quota::count`] by Redis' clock, which all replicas share, in microseconds.
/// Gives how far the count is ahead of the clock, and how long the request must wait.
/// A number of 16 digits is exact in Lua, but must not be written as `1.7e15`.
const SCRIPT: &str = "
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count = math.max(tonumber(redis.call('GET', KEYS[1])) or 0, now)
local next = count + interval
local wait = next - tolerance - now
if wait > 0 then return { count - now, wait } end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
return { next - now, 0 }";

/// Counts in Redis.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pool: Pool,
    /// How Redis names the script: that is what its SHA-1 is for, and all.
    name: String,
}

impl Shared {
    pub(crate) fn new(pool: Pool) -> Self {
        let name = HEXLOWER.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, SCRIPT.as_bytes()).as_ref());
        Self { pool, name }
    }

    /// How far the count is ahead of the clock after the request, and how long that must
    /// wait, microseconds.
    ///
    /// # Errors
    /// When Redis is away, or says no.
    pub(crate) async fn check(&self, key: &str, quota: Quota) -> Result<(u64, u64), String> {
        let mut connection = self.pool.get().await.map_err(|why| why.to_string())?;
        let named: Result<(u64, u64), RedisError> =
            call("EVALSHA", &self.name, key, quota).query_async(&mut connection).await;
        let told = match named {
            // It was restarted, and knows no scripts yet. Nothing was counted.
            Err(why) if why.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                call("EVAL", SCRIPT, key, quota).query_async(&mut connection).await
            }
            told => told,
        };
        told.map_err(|why| why.to_string())
    }
}

fn call(verb: &str, script: &str, key: &str, quota: Quota) -> Cmd {
    let mut call = cmd(verb);
    call.arg(script).arg(1).arg(key).arg(quota.interval()).arg(quota.tolerance());
    call
}
