//! The laws of balancing. Moments are milliseconds since the gateway started.

/// How many failures in a row put an instance out.
pub(super) const FAILURES: u32 = 3;

/// How many checks in a row an instance must miss to get no new requests.
pub(super) const MISSED_CHECKS: u32 = 2;

const FIRST_EJECTION: u64 = 1_000;
const LONGEST_EJECTION: u64 = 30_000;

/// For how long an instance is out that is put out for the `times`th time in a row,
/// milliseconds: a second first, then each time twice as long.
pub(super) fn ejection(times: u32) -> u64 {
    let doubled =
        1_u64.checked_shl(times.saturating_sub(1)).and_then(|times| FIRST_EJECTION.checked_mul(times));
    doubled.map_or(LONGEST_EJECTION, |time| time.min(LONGEST_EJECTION))
}

/// How many of so many instances may be out at once: when most fail, the fault is
/// hardly theirs, and the rest would fall under the load.
pub(super) const fn most_ejected(instances: usize) -> usize {
    instances / 2
}

/// What an instance bears, and how much it should.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// The requests that it has, and what its failures count for.
    pub(super) requests: u64,
    pub(super) weight: u32,
}

impl Load {
    /// Whether `other` would be no fuller with one more request than this is now, in
    /// relation to their weights. Equal ones give way to whoever has less; a lighter one
    /// keeps its share of the draws while there is little to do.
    fn gives_way_to(self, other: Self) -> bool {
        self.requests.saturating_mul(other.weight.into())
            >= other.requests.saturating_add(1).saturating_mul(self.weight.into())
    }
}

/// Of two different instances, drawn at random by weight, the one that has less to do.
/// `load` is `None` for those that do not stand for election.
pub(super) fn choose(
    instances: usize,
    load: impl Fn(usize) -> Option<Load>,
    mut random: impl FnMut() -> u64,
) -> Option<usize> {
    let weight = |place| load(place).map_or(0, |load| load.weight);
    let first = draw(instances, weight, random())?;
    let others = |place| if place == first { 0 } else { weight(place) };
    let Some(second) = draw(instances, others, random()) else { return Some(first) };
    let gives_way = load(first).zip(load(second)).is_some_and(|(first, second)| first.gives_way_to(second));
    Some(if gives_way { second } else { first })
}

/// The one on which `random` falls, each as often as it weighs.
fn draw(instances: usize, weight: impl Fn(usize) -> u32, random: u64) -> Option<usize> {
    let total = (0..instances).map(|place| u64::from(weight(place))).sum();
    let mut left = random.checked_rem(total)?;
    (0..instances).find(|place| {
        let falls = left.checked_sub(weight(*place).into());
        left = falls.unwrap_or_default();
        falls.is_none()
    })
}

/// What an instance's failures count for, in requests: ten each, and half of that a second
/// later. Or whoever refuses quickly, and so has little to do, would be sent everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Penalty(u64);

impl Penalty {
    const FAILURE: u64 = 10;
    const MOST: u64 = 1_000;
    const HALF_LIFE: u64 = 1_000;
    /// The lower bits are the requests, the upper ones the moment of the last failure.
    const BITS: u32 = 16;

    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn requests(self, now: u64) -> u64 {
        let (requests, since) = (self.0 & ((1 << Self::BITS) - 1), self.0 >> Self::BITS);
        let halvings = now.saturating_sub(since) / Self::HALF_LIFE;
        requests >> halvings.min(u64::from(Self::BITS))
    }

    #[must_use]
    pub(super) fn after_failure(self, now: u64) -> Self {
        Self((now << Self::BITS) | (self.requests(now) + Self::FAILURE).min(Self::MOST))
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_ejection_lasts_a_second_and_then_twice_as_long_up_to_thirty() {
        let lasts: Vec<u64> = [0, 1, 2, 3, 4, 5, 6, 7, 70, u32::MAX].into_iter().map(ejection).collect();
        let wanted = [1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000];
        assert_eq!(lasts, wanted);
    }

    #[test]
    fn never_more_than_half_are_out_and_never_the_only_one() {
        assert_eq!([0, 1, 2, 3, 4, 5].map(most_ejected), [0, 0, 1, 1, 2, 2]);
    }

    /// How often each is chosen of 10,000 times, by what each has to do and weighs.
    fn chosen(loads: &[(u64, u32)]) -> Vec<usize> {
        let mut random = Rng::with_seed(7);
        let mut chosen = vec![0; loads.len()];
        let load = |place: usize| loads.get(place).map(|&(requests, weight)| Load { requests, weight });
        for _ in 0..10_000 {
            chosen[choose(loads.len(), load, || random.u64(..)).unwrap()] += 1;
        }
        chosen
    }

    #[test]
    fn idle_ones_are_chosen_by_weight() {
        let of_two = chosen(&[(0, 9), (0, 1)]);
        assert!((800..1_200).contains(&of_two[1]), "{of_two:?}");
        let of_three = chosen(&[(0, 1), (0, 1), (0, 1)]);
        assert!(of_three.iter().all(|times| (3_000..3_700).contains(times)), "{of_three:?}");
    }

    #[test]
    fn the_fullest_of_equals_is_never_chosen() {
        assert_eq!(chosen(&[(3, 1), (2, 1), (0, 1)])[0], 0);
        assert_eq!(chosen(&[(1, 1), (0, 1)]), [0, 10_000]);
    }

    #[test]
    fn what_is_full_for_its_weight_gives_way() {
        assert_eq!(chosen(&[(9, 9), (0, 1)]), [0, 10_000]);
        assert_eq!(chosen(&[(8, 9), (1, 1)]), [10_000, 0]);
    }

    #[test]
    fn whoever_does_not_stand_is_never_chosen() {
        let load = |place| (place == 1).then_some(Load { requests: 1_000, weight: 1 });
        assert_eq!(choose(3, load, || 5), Some(1));
        assert_eq!(choose(3, |_| None, || 5), None);
        assert_eq!(choose(0, load, || 5), None);
    }

    #[test]
    fn a_failure_counts_as_ten_requests_and_is_forgotten_in_seconds() {
        let failed = Penalty::default().after_failure(500);
        let counts = [500, 1_499, 1_500, 2_500, 3_500, 4_500, u64::MAX >> 20].map(|now| failed.requests(now));
        assert_eq!(counts, [10, 10, 5, 2, 1, 0, 0]);
        assert_eq!(failed.after_failure(1_500).requests(1_500), 15);
        let many = (0..1_000).fold(failed, |penalty, _| penalty.after_failure(600));
        assert_eq!(many.requests(600), 1_000);
    }

    proptest! {
        #[test]
        fn only_who_stands_is_chosen_and_always_someone(
            loads in prop::collection::vec(prop::option::of((0_u64..2_000, 1_u32..=100)), 0..6),
            seed: u64,
        ) {
            let mut random = Rng::with_seed(seed);
            let load = |place: usize| {
                loads.get(place).copied().flatten().map(|(requests, weight)| Load { requests, weight })
            };
            let chosen = choose(loads.len(), load, || random.u64(..));
            prop_assert_eq!(chosen.is_some(), loads.iter().any(Option::is_some));
            prop_assert!(chosen.is_none_or(|place| load(place).is_some()));
        }
    }
}
