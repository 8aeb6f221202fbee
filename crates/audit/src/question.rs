use contract_audit::AuditQuery;
use ids::{AuditEntryId, OrgId, Timestamp};
use serde::{Deserialize, Serialize};
use service_kit::page::{MAX_LIMIT, Page};
use uuid::Uuid;

/// What one service is asked for: the query of its internal route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// As in [`AuditQuery`].
    #[serde(default)]
    pub actor: Option<String>,
    /// As in [`AuditQuery`].
    #[serde(default)]
    pub org: Option<OrgId>,
    /// As in [`AuditQuery`]: how the action begins.
    #[serde(default)]
    pub action: Option<String>,
    /// As in [`AuditQuery`].
    #[serde(default)]
    pub target: Option<String>,
    /// As in [`AuditQuery`].
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// As in [`AuditQuery`].
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Only entries older than this one.
    #[serde(default)]
    pub after: Option<AuditEntryId>,
    /// How many entries at most.
    pub rows: i64,
}

impl Question {
    /// This page of what `query` wants.
    #[must_use]
    pub fn of(query: &AuditQuery, page: Page) -> Self {
        let AuditQuery { actor, org, action, target, since, until, .. } = query.clone();
        let after = page.after.map(AuditEntryId::from_uuid);
        Self { actor, org, action, target, since, until, after, rows: page.rows() }
    }

    /// How many entries are given, whatever was asked.
    pub(crate) fn limit(&self) -> i64 {
        self.rows.clamp(1, MAX_LIMIT + 1)
    }

    /// The least id of an entry that is wanted, if there is one.
    pub(crate) fn first(&self) -> Option<Uuid> {
        self.since.map(least_at)
    }

    /// The least id above those that are wanted, if there is one.
    pub(crate) fn end(&self) -> Option<Uuid> {
        let bounds = [self.until.map(least_at), self.after.map(AuditEntryId::uuid)];
        bounds.into_iter().flatten().min()
    }
}

/// The least UUIDv7 of an instant's millisecond (RFC 9562 section 5.7): ids tell the
/// time, so that one index serves both.
fn least_at(instant: Timestamp) -> Uuid {
    let millis = u128::try_from(instant.datetime().timestamp_millis()).unwrap_or(0);
    Uuid::from_u128((millis & 0xffff_ffff_ffff) << 80)
}

/// The instant in an entry's id, to the millisecond.
pub(crate) fn instant(id: AuditEntryId) -> Timestamp {
    let millis = i64::try_from(id.uuid().as_u128() >> 80).unwrap_or(0);
    Timestamp::from_unix_micros(millis * 1000).unwrap_or_else(Timestamp::now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_and_instants_compare_alike(millis in 0_i64..4_000_000_000_000, entry: u128) {
            let bound = Timestamp::from_unix_micros(millis * 1000).unwrap();
            let near = u128::try_from(millis).unwrap() + (entry % 3) - 1;
            let entry = AuditEntryId::from_uuid(Uuid::from_u128((near << 80) | (entry >> 48)));
            prop_assert_eq!(entry.uuid() >= least_at(bound), instant(entry) >= bound);
        }
    }

    #[test]
    fn the_narrower_end_holds() {
        let at = |seconds| Timestamp::from_unix_seconds(seconds).unwrap();
        let after = AuditEntryId::from_uuid(least_at(at(50)));
        let question = |until| Question { until, after: Some(after), ..Question::default() };
        assert_eq!(question(Some(at(40))).end(), Some(least_at(at(40))));
        assert_eq!(question(Some(at(60))).end(), Some(after.uuid()));
        assert_eq!(question(None).end(), Some(after.uuid()));
    }

    #[test]
    fn it_reads_back_from_a_query() {
        let page = Page { limit: 100, after: Some(Uuid::now_v7()) };
        let query = AuditQuery {
            action: Some("user.".to_owned()),
            since: Some(Timestamp::now()),
            ..AuditQuery::default()
        };
        let question = Question::of(&query, page);
        assert_eq!((question.rows, question.limit()), (101, 101));
        assert_eq!(Question { rows: i64::MAX, ..question.clone() }.limit(), 101);
    }
}
