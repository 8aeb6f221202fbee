use std::{net::IpAddr, sync::Arc};

use crate::{Quota, network};

/// A quota with a name, for each key of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    name: Arc<str>,
    quota: Quota,
    fails_closed: bool,
}

/// What a request counts as: so much, against the quota of this key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub(crate) policy: Policy,
    pub(crate) key: String,
    pub(crate) cost: u32,
}

impl Policy {
    /// The name is told to clients and part of the names in Redis: `user`, `plan:free`. What a
    /// header cannot hold of it is left out.
    #[must_use]
    pub fn new(name: &str, quota: Quota) -> Self {
        let name: String =
            name.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
        Self { name: name.into(), quota, fails_closed: false }
    }

    /// Refuses while Redis is away, where others are counted by each replica for itself: for
    /// what must not be guessed at, such as passwords.
    #[must_use]
    pub fn failing_closed(self) -> Self {
        Self { fails_closed: true, ..self }
    }

    /// What clients call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    /// Whether it refuses while Redis is away.
    #[must_use]
    pub const fn fails_closed(&self) -> bool {
        self.fails_closed
    }

    /// A request of this user, organisation, API key, route: whatever is counted by itself.
    #[must_use]
    pub fn of(&self, key: impl Into<String>) -> Count {
        Count { policy: self.clone(), key: key.into(), cost: 1 }
    }

    /// A request from this address, counted as its [`network`].
    #[must_use]
    pub fn of_address(&self, address: IpAddr) -> Count {
        self.of(network(address))
    }
}

impl Count {
    /// The policy that it counts against.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The same, but as costly as so many requests. At least one; more than may come at once
    /// is taken for that many, or it never could.
    #[must_use]
    pub fn costing(self, cost: u32) -> Self {
        Self { cost, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_header_can_hold() {
        assert_eq!(Policy::new("plan:\"fr\u{e9}e\"\r\n\\", Quota::per_minute(1)).name(), "plan:fre");
    }

    #[test]
    fn addresses_of_one_line_count_together() {
        let policy = Policy::new("ip", Quota::per_minute(1));
        let of = |address: &str| policy.of_address(address.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::2"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
