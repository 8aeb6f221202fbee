use std::fmt;

use ids::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an endpoint's messages are signed with. Whoever has it can forge them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointSecret {
    /// `whsec_` and 24 to 64 bytes in Base64, as the libraries of Standard Webhooks take it.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: String,
    /// Those that messages are signed with besides, since receivers may not know the new one
    /// yet; the newest first.
    pub retiring: Vec<RetiringSecret>,
}

/// A secret that was replaced.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetiringSecret {
    /// The same as it was.
    pub secret: String,
    /// Until when it signs.
    pub expires_at: Timestamp,
}

/// How a secret is replaced.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"overlap_seconds": 86_400}))]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// The one to take; a random one, if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// How long the old one goes on signing beside it, seconds: up to seven days.
    #[serde(default = "default_overlap")]
    #[schema(minimum = 0, maximum = 604_800, default = 86_400)]
    pub overlap_seconds: i32,
}

const fn default_overlap() -> i32 {
    86_400
}

impl Default for NewSecret {
    fn default() -> Self {
        Self { secret: None, overlap_seconds: default_overlap() }
    }
}

impl fmt::Debug for EndpointSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointSecret").field("retiring", &self.retiring).finish_non_exhaustive()
    }
}

impl fmt::Debug for RetiringSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetiringSecret").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret").field("overlap_seconds", &self.overlap_seconds).finish_non_exhaustive()
    }
}
