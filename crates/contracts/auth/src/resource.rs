use std::{fmt, str::FromStr};

use ids::{OrgId, Timestamp, UserId};
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// The id of anything that a service keeps: a TypeID of whatever kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ResourceId(String);

/// A text that is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id such as agt_01h455vb4pex5vsknk084sn02q is wanted")]
pub struct NotAResourceId;

impl ResourceId {
    /// One that nothing has.
    pub(crate) fn example() -> Self {
        Self("agt_01h455vb4pex5vsknk084sn02q".to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ResourceId {
    type Err = NotAResourceId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (prefix, suffix) = text.rsplit_once('_').ok_or(NotAResourceId)?;
        let named = (1..=63).contains(&prefix.len())
            && prefix.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            && !prefix.starts_with('_')
            && !prefix.ends_with('_');
        let base32 = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase() && !b"ilou".contains(&b);
        let valued = suffix.len() == 26
            && suffix.bytes().all(base32)
            && matches!(suffix.as_bytes(), [b'0'..=b'7', ..]);
        if named && valued { Ok(Self(text.to_owned())) } else { Err(NotAResourceId) }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ResourceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl PartialSchema for ResourceId {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[a-z](?:[a-z_]{0,61}[a-z])?_[0-7][0-9a-hjkmnp-tv-z]{25}$"))
            .examples(["agt_01h455vb4pex5vsknk084sn02q"])
            .into()
    }
}

impl ToSchema for ResourceId {
    fn name() -> std::borrow::Cow<'static, str> {
        "ResourceId".into()
    }
}

/// How far somebody may go with a resource; each contains those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Look at it.
    Read,
    /// Change and use it.
    Write,
    /// Say who else may.
    Admin,
}

impl Level {
    /// All of them, the lowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// The name, as JSON and scopes have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// The level that a permission such as `webhooks:write` needs.
    #[must_use]
    pub fn needed_by(permission: &str) -> Option<Self> {
        let (_, action) = permission.split_once(':')?;
        Self::ALL.into_iter().find(|level| level.name() == action)
    }
}

/// One member's leave for a restricted resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourcePermission {
    /// Who.
    pub user_id: UserId,
    /// How far they may go.
    pub level: Level,
    /// Who said so, if they are there still.
    pub granted_by: Option<UserId>,
    /// When it was last said.
    pub updated_at: Timestamp,
}

/// Who may do what with one resource: a page, in the order of the members' accounts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ResourcePermissionList {
    /// Whether only those listed may, and who owns or administers the organisation; if
    /// not, every member may, as far as their scopes go.
    pub restricted: bool,
    /// The leaves.
    pub data: Vec<ResourcePermission>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

/// Gives a member a leave for a resource.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceLevel {
    /// How far they may go.
    pub level: Level,
}

/// Asks whether the caller may do something with a resource.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What: a scope.
    #[schema(example = "agents:write")]
    pub permission: String,
    /// With which resource of the caller's organisation.
    pub resource: ResourceId,
}

/// Asks, for a service, whether somebody may do something with a resource.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckOf {
    /// Who.
    pub user_id: UserId,
    /// In which organisation; the service has made sure that the resource is of it.
    pub org_id: OrgId,
    /// What: a scope.
    #[schema(example = "agents:write")]
    pub permission: String,
    /// With which resource.
    pub resource: ResourceId,
}

/// Whether somebody may, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Whether they may.
    pub allowed: bool,
    /// Why, or why not.
    pub reason: Reason,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Allowed: nobody has restricted the resource, and the scope is held.
    Open,
    /// Allowed: a leave for the resource covers it, and the scope is held.
    Granted,
    /// Allowed: who owns or administers the organisation is never shut out, and the scope
    /// is held.
    Administrator,
    /// Refused: no such member of the organisation, or banned.
    NotAMember,
    /// Refused: the scope is not held, whatever the resource says.
    InsufficientScope,
    /// Refused: the resource is restricted to others.
    Restricted,
    /// Refused: the leave for the resource does not go that far.
    InsufficientLevel,
}

impl Reason {
    /// Whether it allows.
    #[must_use]
    pub const fn allows(self) -> bool {
        matches!(self, Self::Open | Self::Granted | Self::Administrator)
    }
}

impl From<Reason> for Decision {
    fn from(reason: Reason) -> Self {
        Self { allowed: reason.allows(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_of_any_kind_are_taken_and_nothing_else() {
        let id = ids::SessionId::generate().to_string();
        for good in [id.as_str(), "agt_01h455vb4pex5vsknk084sn02q", "tool_run_01h455vb4pex5vsknk084sn02q"] {
            assert_eq!(good.parse::<ResourceId>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "agt",
            "agt_",
            "_01h455vb4pex5vsknk084sn02q",
            "AGT_01h455vb4pex5vsknk084sn02q",
            "agt_81h455vb4pex5vsknk084sn02q",
            "agt_01h455vb4pex5vsknk084sn02u",
            "agt_01h455vb4pex5vsknk084sn02",
            "agt/01h455vb4pex5vsknk084sn02q",
        ] {
            assert_eq!(bad.parse::<ResourceId>(), Err(NotAResourceId), "{bad}");
        }
    }

    #[test]
    fn a_permission_names_the_level_that_it_needs() {
        assert_eq!(Level::needed_by("agents:write"), Some(Level::Write));
        for bad in ["agents", "agents:delete", ""] {
            assert_eq!(Level::needed_by(bad), None);
        }
        assert!(Level::ALL.is_sorted());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = text.parse::<ResourceId>();
        }
    }
}
