use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use url::Url;

/// How long an instance that took no connection comes last.
const REST: Duration = Duration::from_secs(1);

/// The instances of one service, as one worker sees them.
#[derive(Debug)]
pub(super) struct Instances {
    all: Vec<Instance>,
    turn: Cell<usize>,
}

#[derive(Debug)]
pub(super) struct Instance {
    /// Its URL, without a slash at the end.
    pub(super) base: String,
    rests_until: Cell<Option<Instant>>,
}

impl Instances {
    pub(super) fn new(urls: &[Url]) -> Self {
        let instance = |url: &Url| Instance {
            base: url.as_str().trim_end_matches('/').to_owned(),
            rests_until: Cell::new(None),
        };
        Self { all: urls.iter().map(instance).collect(), turn: Cell::new(0) }
    }

    /// All of them, beginning with another one each time; those that rest come last.
    pub(super) fn in_turn(&self, now: Instant) -> impl Iterator<Item = &Instance> {
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let first = turn % self.all.len().max(1);
        let all = move || self.all.iter().cycle().skip(first).take(self.all.len());
        all()
            .filter(move |instance| !instance.rests(now))
            .chain(all().filter(move |instance| instance.rests(now)))
    }
}

impl Instance {
    /// It took no connection at `now`.
    pub(super) fn rest(&self, now: Instant) {
        self.rests_until.set(Some(now + REST));
    }

    fn rests(&self, now: Instant) -> bool {
        self.rests_until.get().is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_and_whoever_rests_comes_last() {
        let urls = ["http://a/", "http://b/", "http://c/x/"].map(|url| url.parse().unwrap());
        let (instances, now) = (Instances::new(&urls), Instant::now());
        let order = |at| instances.in_turn(at).map(|instance| instance.base.as_str()).collect::<Vec<_>>();
        assert_eq!(order(now), ["http://a", "http://b", "http://c/x"]);
        assert_eq!(order(now), ["http://b", "http://c/x", "http://a"]);
        instances.all[2].rest(now);
        assert_eq!(order(now), ["http://a", "http://b", "http://c/x"]);
        assert_eq!(order(now), ["http://a", "http://b", "http://c/x"]);
        assert_eq!(order(now), ["http://b", "http://a", "http://c/x"]);
        assert_eq!(order(now + REST), ["http://c/x", "http://a", "http://b"]);
        assert_eq!(Instances::new(&[]).in_turn(now).count(), 0);
    }
}
