use contract_prefs::FlagShare;

use super::{
    Faults,
    bucket::{BUCKETS, bucket},
};

/// Shares of all targeting keys, side by side in the order in which they were written: so
/// whoever has the first variant keeps it while its share grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// Each variant with the first place that is not its own any more.
    ends: Vec<(u32, String)>,
}

impl Split {
    /// The split, or `None` with what is wrong in `faults`. `is_known` says which variants
    /// there are.
    pub(crate) fn compile(
        shares: &[FlagShare],
        is_known: impl Fn(&str) -> bool,
        at: &str,
        faults: &mut Faults,
    ) -> Option<Self> {
        let before = faults.count();
        let (mut ends, mut end) = (Vec::new(), 0_u32);
        for (index, FlagShare { variant, percent }) in shares.iter().enumerate() {
            if !is_known(variant) {
                faults.add(format!("{at}/{index}/variant"), "unknown_variant", "no variant is called so");
            }
            match places(*percent) {
                Some(places) => end = end.saturating_add(places),
                None => faults.add(
                    format!("{at}/{index}/percent"),
                    "bad_percentage",
                    "0 to 100 with at most three decimals is wanted",
                ),
            }
            ends.push((end, variant.clone()));
        }
        if faults.count() == before && end != BUCKETS {
            faults.add(at, "shares_do_not_add_up", "all shares together must be 100");
        }
        (faults.count() == before).then_some(Self { ends })
    }

    /// The variant of a targeting key.
    pub(crate) fn pick(&self, salt: &str, key: &str) -> Option<&str> {
        let place = bucket(salt, key);
        self.ends.iter().find(|(end, _)| place < *end).map(|(_, variant)| variant.as_str())
    }

    pub(super) fn variants(&self) -> impl Iterator<Item = &str> {
        self.ends.iter().map(|(_, variant)| variant.as_str())
    }
}

/// How many places a percentage is.
#[expect(clippy::as_conversions, reason = "it is whole and from 0 to 100,000: that was just seen")]
pub(super) fn places(percent: f64) -> Option<u32> {
    let places = percent * f64::from(BUCKETS) / 100.0;
    let whole = places.round();
    let fits = (0.0..=f64::from(BUCKETS)).contains(&whole) && (places - whole).abs() < 1e-6;
    fits.then_some(whole as u32)
}

/// Whether `key` is among the first `places` places.
pub(super) fn is_within(places: u32, salt: &str, key: &str) -> bool {
    bucket(salt, key) < places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(shares: &[(&str, f64)]) -> Split {
        let shares = contract_prefs::FlagServe::split(shares).split.unwrap();
        Split::compile(&shares, |_| true, "", &mut Faults::default()).unwrap()
    }

    fn faults(shares: &[(&str, f64)]) -> Vec<(String, String)> {
        let shares = contract_prefs::FlagServe::split(shares).split.unwrap();
        let mut faults = Faults::default();
        assert_eq!(Split::compile(&shares, |variant| variant != "z", "/s", &mut faults), None);
        faults.into_inner().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn percentages_are_exact_and_add_up() {
        assert_eq!((places(12.345), places(100.0), places(0.0)), (Some(12_345), Some(100_000), Some(0)));
        for bad in [-1.0, 100.001, 0.0001, f64::NAN, f64::INFINITY] {
            assert_eq!(places(bad), None, "{bad}");
        }
        let pair = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(faults(&[("a", 50.0), ("b", 49.0)]), pair("/s", "shares_do_not_add_up"));
        assert_eq!(faults(&[]), pair("/s", "shares_do_not_add_up"));
        assert_eq!(faults(&[("a", 50.0), ("z", 50.0)]), pair("/s/1/variant", "unknown_variant"));
        assert_eq!(faults(&[("a", -50.0), ("b", 150.0)]).len(), 2);
        // As floating-point numbers these are 100.00000000000001 together.
        let tenths = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].map(|name| (name, 10.0));
        split(&tenths);
        split(&[("a", 33.333), ("b", 33.333), ("c", 33.334)]);
    }

    #[test]
    fn shares_are_what_they_say() {
        let split = split(&[("a", 10.0), ("b", 60.0), ("c", 30.0)]);
        let picked = |wanted: &str| {
            (0..20_000).filter(|n| split.pick("salt", &format!("user-{n}")) == Some(wanted)).count()
        };
        // Six standard deviations at most.
        assert!(picked("a").abs_diff(2_000) < 255 && picked("b").abs_diff(12_000) < 416, "{}", picked("a"));
        assert!(picked("c").abs_diff(6_000) < 389);
    }

    proptest! {
        #[test]
        fn a_key_always_gets_the_same(key in "\\PC{0,40}", salt in "\\PC{0,20}", on in 0..=100_000_u32) {
            let on = f64::from(on) / 1_000.0;
            let split = split(&[("on", on), ("off", 100.0 - on)]);
            prop_assert_eq!(split.pick(&salt, &key), split.pick(&salt, &key));
            prop_assert!(split.pick(&salt, &key).is_some());
        }

        #[test]
        fn who_is_in_stays_in_while_the_share_grows(
            key in "\\PC{0,40}", one in 0..=100_000_u32, other in 0..=100_000_u32,
        ) {
            let (small, large) = (f64::from(one.min(other)) / 1_000.0, f64::from(one.max(other)) / 1_000.0);
            let before = split(&[("on", small), ("off", 100.0 - small)]);
            let after = split(&[("on", large), ("off", 100.0 - large)]);
            if before.pick("salt", &key) == Some("on") {
                prop_assert_eq!(after.pick("salt", &key), Some("on"));
            }
        }
    }
}
