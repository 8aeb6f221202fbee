use ids::{AuditEntryId, OrgId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// One entry of the audit log. It is never changed and never deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its own id; later entries have greater ones.
    pub id: AuditEntryId,
    /// The service that wrote it.
    #[schema(example = "auth")]
    pub service: String,
    /// What was done.
    #[schema(example = "user.banned")]
    pub action: String,
    /// Who did it: a user's id, `service:<name>`, or `operator` for the command line.
    #[schema(example = "usr_01h455vb4pex5vsknk084sn02q")]
    pub actor: String,
    /// Who acted in the actor's name, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "service:agents")]
    pub through: Option<String>,
    /// The session or API key that proved the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ses_01h455vb4pex5vsknk084sn02q")]
    pub credential: Option<String>,
    /// The organisation in which it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// What it was done to: mostly an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "usr_01h455vb4pex5vsknk084sn02r")]
    pub target: Option<String>,
    /// What else there is to know; never a secret.
    #[schema(value_type = Object, example = json!({"reason": "spam"}))]
    pub details: Value,
    /// The request that did it, as in the logs of every service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "req_01h455vb4pex5vsknk084sn02q")]
    pub request_id: Option<String>,
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "203.0.113.7")]
    pub ip: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// A page of the log, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The entries.
    pub data: Vec<AuditEntry>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// Which entries are wanted; what is absent narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only of this actor: a user's id, `service:<name>`, `operator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Only in this organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
    /// Only actions that begin so: `user.banned`, `user.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Only on this target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Only at this instant or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only of these services, with commas between; all, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "auth,prefs")]
    pub services: Option<String>,
    /// How many entries at most, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_reads_back_and_knows_its_names() {
        let query = AuditQuery {
            actor: Some("service:auth".to_owned()),
            org: Some(OrgId::generate()),
            action: Some("user.".to_owned()),
            target: Some("a&b=c".to_owned()),
            since: Timestamp::from_unix_seconds(0),
            until: Timestamp::from_unix_seconds(1),
            services: Some("auth,prefs".to_owned()),
            limit: Some(5),
            cursor: Some("x".to_owned()),
        };
        let text = serde_urlencoded::to_string(&query).unwrap();
        assert_eq!(serde_urlencoded::from_str::<AuditQuery>(&text).unwrap(), query);
        assert_eq!(serde_urlencoded::from_str::<AuditQuery>("").unwrap(), AuditQuery::default());
        for bad in ["user=usr_1", "limit=many", "since=yesterday", "org=usr_1"] {
            assert!(serde_urlencoded::from_str::<AuditQuery>(bad).is_err(), "{bad}");
        }
    }
}
