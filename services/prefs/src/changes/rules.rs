//! What a stream says, and what its ids are.

use std::{collections::BTreeMap, fmt};

use actix_web::http::header::EntityTag;
use contract_prefs::{NamespaceName, Notice, State};
use serde::Serialize;

/// The most characters of a snapshot that is taken from a client.
const LONGEST: usize = 8000;

/// What was visible to a transaction, as PostgreSQL writes it (`xmin:xmax:xip,…`): the id of
/// an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot(String);

impl Snapshot {
    /// One that the database gave.
    pub(super) fn of_database(text: String) -> Self {
        Self(text)
    }

    /// One that a client says it had; only what PostgreSQL could have written is one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (xmin, xmax, running) = (parts.next()?, parts.next()?, parts.next()?);
        let number = |text: &str| {
            let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
            plain
                .then(|| text.parse::<u64>().ok())
                .flatten()
                .filter(|number| *number <= i64::MAX.unsigned_abs())
        };
        let (xmin, xmax) = (number(xmin)?, number(xmax)?);
        let mut least = xmin;
        for id in running.split(',').filter(|_| !running.is_empty()) {
            let id = number(id).filter(|id| (least..xmax).contains(id))?;
            least = id.saturating_add(1);
        }
        (text.len() <= LONGEST && xmin <= xmax).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The versions of which a document is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) namespace: i64,
    pub(super) organization: i64,
    pub(super) user: i64,
}

impl Versions {
    /// The document's ETag.
    pub(super) fn etag(self) -> String {
        let Self { namespace, organization, user } = self;
        EntityTag::new_strong(format!("{namespace}.{organization}.{user}")).to_string()
    }
}

/// Which of a document's versions is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Namespace,
    Organization,
    User,
}

/// The versions of all documents that a client knows of.
pub(super) type Known = BTreeMap<NamespaceName, Versions>;

/// Takes a version over; `false` when it was known, or is older. No version goes back.
pub(super) fn learn(known: &mut Known, namespace: &NamespaceName, part: Part, version: i64) -> bool {
    let versions = known.entry(namespace.clone()).or_default();
    let held = match part {
        Part::Namespace => &mut versions.namespace,
        Part::Organization => &mut versions.organization,
        Part::User => &mut versions.user,
    };
    let is_news = version > *held;
    *held = version.max(*held);
    is_news
}

/// The notices about these documents. The last one alone bears the id, so that a client
/// that is cut off in between is told all of them again.
pub(super) fn notices(known: &Known, changed: &[NamespaceName], id: &Snapshot) -> String {
    let mut text = String::new();
    for (index, namespace) in changed.iter().enumerate() {
        let versions = known.get(namespace).copied().unwrap_or_default();
        let notice = Notice { namespace: namespace.clone(), etag: versions.etag() };
        if index + 1 == changed.len() {
            text = format!("{text}id: {id}\n");
        }
        text = format!("{text}event: changed\ndata: {}\n\n", json(&notice));
    }
    text
}

/// What a stream begins with that goes on behind no event.
pub(super) fn state(known: &Known, id: &Snapshot) -> String {
    let etags = known.iter().map(|(name, versions)| (name.clone(), versions.etag())).collect();
    format!("id: {id}\nevent: state\ndata: {}\n\n", json(&State { etags }))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> NamespaceName {
        text.parse().unwrap()
    }

    #[test]
    fn only_what_the_database_writes_is_a_snapshot() {
        for good in ["1:1:", "10:20:", "10:20:10", "10:20:10,14,19"] {
            assert_eq!(Snapshot::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "7",
            "1:1",
            "0:1:",
            "2:1:",
            "a:1:",
            "10:20:9",
            "10:20:20",
            "10:20:14,10",
            "10:20:10,10",
            "1:2:,",
            "10:20:10,",
            " 1:1:",
            "1:1: ",
            "+1:1:",
            "1:99999999999999999999:",
            "1:18446744073709551615:",
            "01:1:",
        ] {
            assert_eq!(Snapshot::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_last_notice_bears_the_id() {
        let (mut known, id) = (Known::new(), Snapshot::parse("7:9:7").unwrap());
        for (namespace, part, version) in
            [("a", Part::Namespace, 2), ("a", Part::User, 3), ("b", Part::Organization, 4)]
        {
            assert!(learn(&mut known, &name(namespace), part, version));
            assert!(!learn(&mut known, &name(namespace), part, version - 1));
        }
        let text = notices(&known, &[name("a"), name("b")], &id);
        let wanted = "event: changed\ndata: {\"namespace\":\"a\",\"etag\":\"\\\"2.0.3\\\"\"}\n\n\
                      id: 7:9:7\nevent: changed\ndata: {\"namespace\":\"b\",\"etag\":\"\\\"0.4.0\\\"\"}\n\n";
        assert_eq!(text, wanted);
        assert_eq!(notices(&known, &[], &id), "");
    }

    proptest! {
        #[test]
        fn no_id_makes_it_panic(text in "[0-9:, a]{0,20}|\\PC{0,20}") {
            prop_assert!(Snapshot::parse(&text).is_none_or(|id| id.as_str() == text));
        }
    }
}
