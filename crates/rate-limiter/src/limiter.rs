use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadpool_redis::Pool;

use crate::{
    Count, Decision,
    local::Local,
    policy::Policy,
    shared::{Named, Shared},
};

/// How long it is left alone after it failed; then one request finds out.
const REST: Duration = Duration::from_secs(1);

/// How a limiter counts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whose counts they are, in Redis: `{space}:policy:key`. All of a space are in one slot of a
    /// Redis Cluster, so that one script counts any of them together.
    pub space: String,
    /// How long Redis may take before this process counts for itself.
    pub patience: Duration,
    /// How many processes count together: when each counts for itself, it lets so large a part
    /// of a quota pass.
    pub replicas: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { space: "limits".to_owned(), patience: Duration::from_millis(50), replicas: 1 }
    }
}

/// Counts requests, for all replicas together.
#[derive(Clone, Debug)]
pub struct Limiter {
    shared: Shared,
    options: Arc<Options>,
    local: Arc<Local>,
    rests_until: Arc<Mutex<Option<Instant>>>,
}

impl Limiter {
    /// Counts in this Redis.
    #[must_use]
    pub fn new(pool: Pool, options: Options) -> Self {
        Self {
            shared: Shared::new(pool),
            options: Arc::new(options),
            local: Arc::default(),
            rests_until: Arc::default(),
        }
    }

    /// Counts a request, by all of these or by none: one that is too many for one of them costs
    /// the others nothing.
    ///
    /// It fails never: without Redis this process counts for itself, or refuses, as each
    /// [`Policy`] says.
    pub async fn check(&self, counts: &[Count]) -> Decision {
        let named: Vec<Named<'_>> = counts.iter().map(|count| self.named(count)).collect();
        if let Some(told) = self.local.refusal(&named) {
            return Decision::of(counts, &told, |count| count.policy.quota());
        }
        if counts.is_empty() || !self.may_ask(Instant::now()) {
            return self.alone(counts, &named);
        }
        let asked = self.local.now();
        let why = match tokio::time::timeout(self.options.patience, self.shared.count(&named)).await {
            Ok(Ok(told)) => {
                self.rest(None);
                self.local.learn(&named, asked, &told);
                return Decision::of(counts, &told, |count| count.policy.quota());
            }
            Ok(Err(why)) => why,
            Err(_elapsed) => "it is too slow".to_owned(),
        };
        tracing::warn!(why, "Redis cannot count requests; this process counts for itself");
        self.shared.hang_up();
        self.rest(Some(Instant::now() + REST));
        self.alone(counts, &named)
    }

    /// What this process says while nobody else can be asked.
    fn alone(&self, counts: &[Count], named: &[Named<'_>]) -> Decision {
        if counts.iter().map(|count| &count.policy).any(Policy::fails_closed) {
            return Decision::uncounted();
        }
        let part = |count: &Count| count.policy.quota().shared_by(self.options.replicas);
        let told = self.local.count(named, part);
        Decision::of(counts, &told, part)
    }

    fn named<'a>(&self, count: &'a Count) -> Named<'a> {
        let name = format!("{{{}}}:{}:{}", self.options.space, count.policy.name(), count.key);
        Named { name, count }
    }

    /// Whether Redis is to be asked. After a rest one caller asks, and the others only when
    /// that one was answered.
    fn may_ask(&self, now: Instant) -> bool {
        let mut rests_until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        match *rests_until {
            Some(until) if now < until => false,
            Some(_) => {
                *rests_until = Some(now + REST);
                true
            }
            None => true,
        }
    }

    fn rest(&self, until: Option<Instant>) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}
