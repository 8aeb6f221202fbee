use ids::{GrantId, OrgId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// Asks for a grant: the leave of a person for work that goes on when they have left. The
/// body of `POST /internal/v1/auth/grants`, by the service that will do the work.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewGrant {
    /// The token that came to the service with the person's request.
    #[schema(value_type = String)]
    pub token: Secret,
    /// What the work is, in the service's words, such as the id of an execution; 1 to 200
    /// characters. Asked for again with the same, it is the same grant.
    #[schema(example = "exe_01h455vb4pex5vsknk084sn02q", min_length = 1, max_length = 200)]
    pub reference: String,
    /// What the person reads in their list; 1 to 200 characters.
    #[schema(example = "Agent 'Inbox', every morning", min_length = 1, max_length = 200)]
    pub description: String,
    /// Who will act in the person's name, such as an agent's id; the service alone, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "agt_01h455vb4pex5vsknk084sn02q")]
    pub actor: Option<String>,
    /// What it may do: a part of what the token may do, and nothing that administers.
    #[schema(example = json!(["prefs:read"]), min_items = 1)]
    pub scopes: Vec<String>,
    /// For how long, seconds: at most 400 days.
    #[schema(example = 2_592_000, minimum = 60, maximum = 34_560_000)]
    pub lasts_seconds: u64,
}

/// A grant, as its holder gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldGrant {
    /// What to draw tokens from, by
    /// [`Exchange::Grant`](crate::Exchange::Grant): no secret, since only the holder may.
    pub id: GrantId,
    /// In whose name.
    pub user_id: UserId,
    /// In which organisation.
    pub org_id: OrgId,
    /// What it may do, as far as the person still may.
    pub scopes: Vec<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A grant, as the person sees it who gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GivenGrant {
    /// Which.
    pub id: GrantId,
    /// Which service holds it.
    #[schema(example = "agents")]
    pub service: String,
    /// What the work is.
    #[schema(example = "Agent 'Inbox', every morning")]
    pub description: String,
    /// The same in the service's words.
    #[schema(example = "exe_01h455vb4pex5vsknk084sn02q")]
    pub reference: String,
    /// Who acts in the person's name; the service alone, if nobody.
    #[schema(example = "agt_01h455vb4pex5vsknk084sn02q")]
    pub actor: Option<String>,
    /// What it may do, as far as the person still may.
    #[schema(example = json!(["prefs:read"]))]
    pub scopes: Vec<String>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When the service last drew a token from it.
    pub last_used_at: Option<Timestamp>,
}

/// A page of grants.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GrantList {
    /// The grants, the latest first.
    pub data: Vec<GivenGrant>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl NewGrant {
    /// A wish for a grant that does what `scopes` say.
    #[must_use]
    pub fn new(token: Secret, reference: &str, description: &str, scopes: &[&str]) -> Self {
        Self {
            token,
            reference: reference.to_owned(),
            description: description.to_owned(),
            actor: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            lasts_seconds: 30 * 24 * 60 * 60,
        }
    }
}
