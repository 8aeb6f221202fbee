//! Where a targeting key stands among all.

use aws_lc_rs::digest::{SHA256, digest};

/// How many places there are: a percentage has three decimals.
pub(crate) const BUCKETS: u32 = 100_000;

/// The place of `key`, from 0: the first 8 bytes of `SHA-256(salt ‖ "." ‖ key)` as a
/// big-endian number, modulo [`BUCKETS`].
///
/// Whoever computes the same elsewhere gets the same, so this never changes: the test
/// vectors below and in the guide hold it.
pub(super) fn bucket(salt: &str, key: &str) -> u32 {
    let hash = digest(&SHA256, format!("{salt}.{key}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_ref()[..8]);
    u32::try_from(u64::from_be_bytes(first) % u64::from(BUCKETS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vectors_hold() {
        for (salt, key, wanted) in VECTORS {
            assert_eq!(bucket(salt, key), wanted, "{salt} {key}");
        }
    }

    /// By any other implementation of SHA-256, too.
    const VECTORS: [(&str, &str, u32); 4] = [
        ("new-checkout", "user-1", 33_402),
        ("new-checkout", "user-2", 57_100),
        ("salt", "", 89_042),
        ("s", "\u{e4}\u{20ac}", 41_505),
    ];

    #[test]
    fn keys_are_spread_evenly() {
        let mut tenths = [0_u32; 10];
        for number in 0..20_000 {
            let tenth = bucket("even", &format!("user-{number}")) / (BUCKETS / 10);
            tenths[usize::try_from(tenth).unwrap()] += 1;
        }
        // Six standard deviations of a binomial with n = 20,000, p = 0.1.
        assert!(tenths.iter().all(|count| count.abs_diff(2_000) < 255), "{tenths:?}");
    }
}
