use std::{net::IpAddr, time::Duration};

/// What is tried; each has a counter of its own, so that guesses at codes use up no
/// passwords and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The password of an address.
    Password,
    /// A code of a user's second factor.
    Code,
}

impl Proof {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
        }
    }
}

/// How many failures in a row an account may have (NIST SP 800-63B-4, section 3.2.2). Then
/// only a reset by mail or an administrator opens it again.
pub(super) const MOST: i32 = 100;

/// For how long an account is locked by its n-th failure in a row, seconds; by those after
/// the last entry, as by that one. The first four cost nothing.
pub(super) const DELAYS: [i32; 12] = [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600];

/// The failure that locks an account for a quarter of an hour: its owner is told, and again
/// when nothing but a reset helps.
const TOLD: i32 = 10;

/// Whether the owner is told of this failure.
pub(super) const fn is_told(failures: i32) -> bool {
    failures == TOLD || failures == MOST
}

/// How long the failures of a client's address count, from the first.
pub(super) const WINDOW: Duration = Duration::from_secs(10 * 60);

/// How long a client waits before it asks again about an account that only a reset opens.
pub(super) const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How long an account's counter is kept after its last failure.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What a client's address counts as: an IPv4 address alone, all of an IPv6 /64, which is
/// what one line has (CVE-2026-45364).
pub(super) fn client(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_from_half_a_minute_to_an_hour() {
        assert!(DELAYS.is_sorted());
        assert_eq!(DELAYS.iter().find(|delay| **delay > 0), Some(&30));
        assert_eq!(DELAYS.last(), Some(&3600));
        let told = usize::try_from(TOLD).unwrap();
        assert!(DELAYS[told - 1] >= 15 * 60 && DELAYS[told - 2] < 15 * 60);
    }

    #[test]
    fn a_line_is_one_client_whatever_the_address() {
        let client = |ip: &str| client(ip.parse().unwrap());
        assert_eq!(client("2001:db8:1:2::3"), client("2001:db8:1:2:ffff::1"));
        assert_ne!(client("2001:db8:1:2::3"), client("2001:db8:1:3::3"));
        assert_eq!(client("203.0.113.7"), client("::ffff:203.0.113.7"));
        assert_ne!(client("203.0.113.7"), client("203.0.113.8"));
    }
}
