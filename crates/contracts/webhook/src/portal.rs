use std::fmt;

use ids::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A link to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"read_only": false}))]
#[serde(deny_unknown_fields)]
pub struct NewPortalLink {
    /// Whether who follows it may only look.
    #[serde(default)]
    pub read_only: bool,
}

/// A link to the page where an organisation's endpoints are looked after. Whoever has it may do so, until
/// it ends.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortalLink {
    /// Where to send a browser: the token stands behind the `#`, so that no server sees it.
    #[schema(
        format = "uri",
        example = "http://127.0.0.1:8080/api/v1/webhooks/portal#token=eyJhbGciOiJFZERTQSJ9"
    )]
    pub url: String,
    /// The token by itself, for a page of one's own: it may do nothing but look after webhooks.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for PortalLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortalLink").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
