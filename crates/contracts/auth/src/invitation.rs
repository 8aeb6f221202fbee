use ids::{InvitationId, OrgId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// Invites whoever has an address.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Only an account with this address, verified, can accept.
    #[schema(example = "grace@example.com", max_length = 254)]
    pub email: String,
    /// The role that they get; below the caller's own.
    #[schema(example = "member")]
    pub role: String,
}

/// An invitation that waits, as those who manage members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// Whom it is for.
    #[schema(example = "grace@example.com")]
    pub email: String,
    /// The role that they get.
    #[schema(example = "member")]
    pub role: String,
    /// Who invited them.
    pub invited_by: UserId,
    /// When its mail was last asked for.
    pub sent_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A page of invitations, the latest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationList {
    /// The invitations.
    pub data: Vec<Invitation>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

/// An invitation as whoever is invited sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedInvitation {
    /// Which.
    pub id: InvitationId,
    /// Into which organisation.
    pub org_id: OrgId,
    /// What people call that.
    #[schema(example = "Analytical Engines Ltd")]
    pub organization_name: String,
    /// The role that they get.
    #[schema(example = "member")]
    pub role: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A page of the invitations to the caller's verified address, the latest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReceivedInvitationList {
    /// The invitations.
    pub data: Vec<ReceivedInvitation>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

/// Answers an invitation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationToken {
    /// The token of the mailed link; it works once.
    #[schema(value_type = String)]
    pub token: Secret,
}
