use ids::{Id, Kind, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FlagCondition, FlagKey};

/// The kind of a segment's id.
#[derive(Debug)]
pub enum SegmentKind {}

impl Kind for SegmentKind {
    const PREFIX: &'static str = "seg";
    const NAME: &'static str = "FlagSegmentId";
}

/// The id of a segment; lists are ordered by it.
pub type SegmentId = Id<SegmentKind>;

/// A segment to write: people whom the rules of several flags name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = NewFlagSegment, example = json!({
    "description": "Who works here.",
    "when": {"attribute": "email", "op": "ends_with", "value": "@example.com"}
}))]
#[serde(deny_unknown_fields)]
pub struct NewSegment {
    /// What it is for; at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: String,
    /// Who belongs to it. It names no other segment.
    pub when: FlagCondition,
}

/// A segment as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagSegment)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// What rules call it.
    pub key: FlagKey,
    /// Grows with every change; its ETag.
    #[schema(example = 7)]
    pub version: i64,
    /// What it is for.
    pub description: String,
    /// Who belongs to it.
    pub when: FlagCondition,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One page of the list of segments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagSegmentPage)]
pub struct SegmentPage {
    /// The segments, oldest first.
    pub data: Vec<Segment>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// An environment to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFlagEnvironment {
    /// What flags and evaluations call it.
    #[schema(example = "qa")]
    pub key: FlagKey,
}

/// An environment in which flags are evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlagEnvironment {
    /// What flags and evaluations call it.
    #[schema(example = "production")]
    pub key: FlagKey,
    /// Whether every organisation has it.
    pub built_in: bool,
}

/// The environments of an organisation, 20 at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlagEnvironments {
    /// Those that every organisation has first.
    pub data: Vec<FlagEnvironment>,
}
