use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use prometheus::IntCounter;
use service_discovery::Terms;
use url::Url;

use super::{
    breaker::Breaker,
    budget::Budget,
    instance::{Chosen, Instance, Standing},
    rules::{choose, most_ejected},
    verdict::Verdict,
};

/// The instances of one service, as all workers see them.
#[derive(Debug)]
pub(in crate::proxy) struct Pool {
    pub(super) all: Vec<Arc<Instance>>,
    /// What each of them weighs, at the same place.
    weights: Vec<u32>,
    record: Arc<Record>,
    counters: Counters,
}

/// What is known of a service, as long as one of its instances stays.
#[derive(Debug)]
struct Record {
    breaker: Breaker,
    budget: Arc<Budget>,
    /// Held while one is put out, so that not more than half are.
    ejecting: Mutex<()>,
    /// The moment that its own and its instances' are counted from.
    started: Instant,
}

/// What happened to one service's requests.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) ejections: IntCounter,
    pub(super) retries: IntCounter,
}

impl Pool {
    /// Instances that were there `before`, by their URLs and protocols, are the same ones.
    pub(super) fn new<'a>(
        instances: impl Iterator<Item = (&'a Url, Terms)>,
        counters: Counters,
        before: Option<&Self>,
    ) -> Self {
        let mut known = before.map(|before| before.all.clone()).unwrap_or_default();
        let mut stays = false;
        let place = |(url, Terms { weight, http2 }): (&Url, Terms)| {
            let base = url.as_str().trim_end_matches('/');
            let same = known.iter().position(|known| known.base == base && known.http2 == http2);
            stays |= same.is_some();
            let same = same.map(|place| known.swap_remove(place));
            (same.unwrap_or_else(|| Arc::new(Instance::new(base, http2))), weight)
        };
        let (all, weights) = instances.map(place).unzip();
        let record = before.filter(|_| stays).map(|before| Arc::clone(&before.record));
        Self { all, weights, record: record.unwrap_or_default(), counters }
    }

    pub(in crate::proxy) fn is_single(&self) -> bool {
        self.all.len() == 1
    }

    /// Whether a request may be sent at all.
    pub(in crate::proxy) fn admits(&self) -> bool {
        self.record.budget.earn();
        self.record.breaker.admits(self.now())
    }

    /// Takes note of how a request that was admitted ended, after all its tries.
    pub(in crate::proxy) fn record(&self, verdict: Verdict) {
        self.record.breaker.record(verdict.is_failure(), self.now());
    }

    /// The instance for a request that was tried at these places already; `None` when
    /// there is no other.
    pub(in crate::proxy) fn choose(&self, tried: &[usize]) -> Option<Chosen> {
        let now = self.now();
        // What failed elsewhere is not to fail at one that may be out still.
        let due = |instance: &Arc<Instance>| tried.is_empty() && instance.takes_trial(now);
        if let Some(place) = self.all.iter().position(due) {
            return Some(self.chosen(place, Standing::OnTrial));
        }
        match self.lighter_of_two(tried, now, Instance::is_in) {
            Some(place) => Some(self.chosen(place, Standing::In)),
            None => self
                .lighter_of_two(tried, now, |_| true)
                .map(|place| self.chosen(place, Standing::LastResort)),
        }
    }

    fn lighter_of_two(&self, tried: &[usize], now: u64, stands: impl Fn(&Instance) -> bool) -> Option<usize> {
        let load = |place| {
            let instance: &Instance = self.all.get(place).filter(|_| !tried.contains(&place))?;
            stands(instance).then(|| Some(instance.load(now, *self.weights.get(place)?)))?
        };
        choose(self.all.len(), load, || fastrand::u64(..))
    }

    fn chosen(&self, place: usize, standing: Standing) -> Chosen {
        Chosen::new(&self.all[place], place, standing)
    }

    /// As [`Pool::choose`], to send a request once more, which not too many may be.
    pub(in crate::proxy) fn choose_again(&self, tried: &[usize]) -> Option<Chosen> {
        let mut chosen = self.choose(tried)?;
        chosen.retry = Some(self.record.budget.retry()?);
        self.counters.retries.inc();
        Some(chosen)
    }

    /// Takes note of how a try ended.
    pub(in crate::proxy) fn judge(&self, chosen: &Chosen, verdict: Verdict) {
        let (instance, standing) = (&chosen.instance, chosen.standing);
        if verdict != Verdict::Served {
            instance.penalise(self.now());
        }
        match verdict {
            Verdict::Served | Verdict::Burdened => instance.serves(standing),
            Verdict::Failed if !instance.fails() && standing != Standing::OnTrial => {}
            Verdict::Failed | Verdict::Unreachable => self.eject(instance, standing),
        }
    }

    /// It was slower than another: it gets fewer requests for a while.
    pub(in crate::proxy) fn outpaced(&self, place: usize) {
        if let Some(instance) = self.all.get(place) {
            instance.penalise(self.now());
        }
    }

    /// How many of its instances get requests.
    pub(super) fn up(&self) -> usize {
        self.all.iter().filter(|instance| instance.is_in()).count()
    }

    /// Takes note of a check of one instance's readiness.
    pub(super) fn checked(&self, instance: &Instance, is_ready: bool) {
        if instance.checked(is_ready, self.now()) {
            tracing::warn!(instance = instance.base, is_ready, "an instance changed its readiness");
        }
    }

    /// Puts an instance out, for longer if it was on trial; what was sent to it before
    /// it was put out changes nothing.
    fn eject(&self, instance: &Instance, standing: Standing) {
        let _guard = self.record.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ejected = instance.is_ejected();
        let ejected = self.all.iter().filter(|instance| instance.is_ejected()).count();
        let is_too_many = !is_ejected && ejected >= most_ejected(self.all.len());
        if is_too_many || (is_ejected && standing != Standing::OnTrial) {
            return;
        }
        instance.eject(self.now());
        self.counters.ejections.inc();
        tracing::warn!(instance = instance.base, "an instance failed and is put out for a while");
    }

    /// Milliseconds since it started.
    fn now(&self) -> u64 {
        u64::try_from(self.record.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Default for Record {
    fn default() -> Self {
        Self {
            breaker: Breaker::default(),
            budget: Arc::default(),
            ejecting: Mutex::default(),
            started: Instant::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(weights: &[u32]) -> Pool {
        let names: Vec<String> = (0..weights.len()).map(|place| place.to_string()).collect();
        let listed: Vec<_> = names.iter().map(String::as_str).zip(weights.iter().copied()).collect();
        following(None, &listed)
    }

    /// The pool of these instances, by their names, after another one.
    fn following(before: Option<&Pool>, listed: &[(&str, u32)]) -> Pool {
        let counter = |name| IntCounter::new(name, "x").unwrap();
        let counters = Counters { ejections: counter("ejections"), retries: counter("retries") };
        let urls: Vec<Url> =
            listed.iter().map(|(name, _)| format!("http://i{name}/").parse().unwrap()).collect();
        let terms = listed.iter().map(|(_, weight)| Terms { weight: *weight, http2: false });
        Pool::new(urls.iter().zip(terms), counters, before)
    }

    #[test]
    fn what_is_known_of_an_instance_and_of_its_service_is_taken_over() {
        let before = pool(&[1, 1]);
        let held = before.chosen(1, Standing::In);
        fail(&before, 0, Verdict::Unreachable);
        (0..20).for_each(|_| before.record(Verdict::Failed));
        let after = following(Some(&before), &[("new", 1), ("1", 7), ("0", 1)]);
        let loads: Vec<_> =
            (0..3).map(|place| after.all[place].load(after.now(), after.weights[place])).collect();
        assert_eq!(
            loads.iter().map(|load| (load.requests, load.weight)).collect::<Vec<_>>(),
            [(0, 1), (1, 7), (10, 1)]
        );
        assert_eq!((after.up(), after.all[2].is_ejected(), after.admits()), (2, true, false));
        drop(held);
        assert_eq!(after.all[1].load(after.now(), 7).requests, 0);
        // A request that goes by the old pool tells the new one.
        before.record(Verdict::Served);
        assert!(after.admits());
    }

    #[test]
    fn when_all_are_others_all_begins_anew() {
        let before = pool(&[1, 1]);
        (0..20).for_each(|_| before.record(Verdict::Failed));
        assert!(!before.admits());
        assert!(following(Some(&before), &[("new", 1)]).admits());
    }

    #[test]
    fn one_that_is_listed_twice_is_two() {
        let before = following(None, &[("a", 1), ("a", 1)]);
        let after = following(Some(&before), &[("a", 1), ("a", 2), ("a", 3)]);
        let is_same = |one: usize, other: usize| Arc::ptr_eq(&after.all[one], &after.all[other]);
        assert!(!is_same(0, 1) && !is_same(1, 2) && !is_same(0, 2));
    }

    /// Where each of some requests that end at once goes.
    fn places(pool: &Pool) -> Vec<usize> {
        let mut places: Vec<usize> =
            (0..200).filter_map(|_| pool.choose(&[])).map(|chosen| chosen.place).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn fail(pool: &Pool, place: usize, verdict: Verdict) {
        pool.judge(&pool.chosen(place, Standing::In), verdict);
    }

    #[test]
    fn who_takes_no_connection_is_out_at_once_and_who_fails_after_three_times() {
        let pool = pool(&[1, 1, 1, 1]);
        fail(&pool, 0, Verdict::Unreachable);
        (0..3).for_each(|_| fail(&pool, 1, Verdict::Failed));
        assert_eq!((places(&pool), pool.up()), (vec![2, 3], 2));
        assert_eq!(pool.counters.ejections.get(), 2);
    }

    #[test]
    fn a_success_between_makes_up_for_failures() {
        let pool = pool(&[1, 1]);
        for verdict in [Verdict::Failed, Verdict::Failed, Verdict::Burdened].repeat(5) {
            fail(&pool, 0, verdict);
        }
        assert_eq!(pool.up(), 2);
    }

    #[test]
    fn half_of_them_stay_and_when_none_is_ready_all_are_used() {
        let pool = pool(&[1, 1, 1]);
        (0..3).for_each(|place| fail(&pool, place, Verdict::Unreachable));
        assert_eq!(pool.up(), 2);
        for instance in &pool.all {
            pool.checked(instance, false);
            pool.checked(instance, false);
        }
        let mut all: Vec<usize> =
            (0..200).filter_map(|_| pool.choose(&[9])).map(|chosen| chosen.place).collect();
        all.sort_unstable();
        all.dedup();
        assert!(all.len() >= 2, "{all:?}");
        assert_eq!(pool.up(), 0);
    }

    #[test]
    fn another_try_goes_to_another_instance_until_there_is_none() {
        let pool = pool(&[1, 100]);
        for _ in 0..50 {
            assert_eq!(pool.choose(&[1]).unwrap().place, 0);
        }
        assert!(pool.choose(&[0, 1]).is_none());
    }

    #[test]
    fn whoever_was_outpaced_or_refuses_gets_less() {
        let pool = pool(&[1, 1]);
        pool.outpaced(0);
        assert_eq!(places(&pool), [1]);
        fail(&pool, 1, Verdict::Burdened);
        fail(&pool, 1, Verdict::Burdened);
        assert_eq!(places(&pool), [0]);
    }
}
