use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadpool_redis::Pool;

use crate::{
    Count, Decision, Quota,
    decision::Told,
    local::Local,
    policy::Policy,
    prepaid::{Asking, Prepaid, Turn},
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
    prepaid: Arc<Prepaid>,
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
            prepaid: Arc::default(),
            rests_until: Arc::default(),
        }
    }

    /// The same counts, among so many processes: [`Options::replicas`].
    #[must_use]
    pub fn among(&self, replicas: u32) -> Self {
        let options = Options { replicas, ..(*self.options).clone() };
        Self { options: Arc::new(options), ..self.clone() }
    }

    /// Counts a request, by all of these or by none: one that is too many for one of them costs
    /// the others nothing.
    ///
    /// It fails never: without Redis this process counts for itself, or refuses, as each
    /// [`Policy`] says.
    pub async fn check(&self, counts: &[Count]) -> Decision {
        let asking = match self.prepaid.take(counts, self.local.now()) {
            Turn::Paid(told) => return Decision::of(counts, &told, whole),
            Turn::Ask(asking) => asking,
        };
        let named: Vec<Named<'_>> = counts.iter().map(|count| self.named(count)).collect();
        let told = match self.local.refusal(&named) {
            Some(refusal) => Some(refusal),
            // Boxed, so that whoever need not ask carries no room for it: seven kilobytes.
            None => Box::pin(self.ask(counts, &named, &asking)).await,
        };
        match told {
            Some(told) if Told::allow(&told) => Decision::of(counts, &told, whole),
            // What was counted beforehand may pass, whatever is said since.
            told => match (asking.instead(counts, self.local.now()), told) {
                (Some(told), _) | (None, Some(told)) => Decision::of(counts, &told, whole),
                (None, None) => self.alone(counts, &named),
            },
        }
    }

    /// What Redis says; none where there is nothing to count, or while it is left alone.
    async fn ask(&self, counts: &[Count], named: &[Named<'_>], asking: &Asking) -> Option<Vec<Told>> {
        if counts.is_empty() || !self.may_ask(Instant::now()) {
            return None;
        }
        let counted = self.count(counts, named, asking);
        let why = match tokio::time::timeout(self.options.patience, counted).await {
            Ok(Ok(told)) => {
                self.rest(None);
                return Some(told);
            }
            Ok(Err(why)) => why,
            Err(_elapsed) => "it is too slow".to_owned(),
        };
        tracing::warn!(why, "Redis cannot count requests; this process counts for itself");
        self.shared.hang_up();
        self.rest(Some(Instant::now() + REST));
        None
    }

    /// Has Redis count a request, and beforehand as many as are to be asked for; where those
    /// would be too many, the request alone.
    async fn count(
        &self,
        counts: &[Count],
        named: &[Named<'_>],
        asking: &Asking,
    ) -> Result<Vec<Told>, String> {
        let asked = self.local.now();
        let told = self.shared.count(named, asking.requests).await?;
        if Told::allow(&told) {
            self.local.learn(named, asked, &told);
            return Ok(asking.answered(counts, asked, told));
        }
        let told = if asking.requests > 1 { self.shared.count(named, 1).await? } else { told };
        self.local.learn(named, asked, &told);
        Ok(told)
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

fn whole(count: &Count) -> Quota {
    count.policy.quota()
}
