use std::collections::BTreeMap;

use ids::{ExportId, JobId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A collection of all that is held about the caller, which they asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// The job that gathers it: `GET /api/v1/auth/jobs/{id}` tells how far it is, in the
    /// organisation in which it was asked for.
    pub job_id: JobId,
    /// Where it stands.
    pub state: ExportState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was whole.
    pub ready_at: Option<Timestamp>,
    /// Until when it can be downloaded, once it is ready.
    pub expires_at: Option<Timestamp>,
    /// How large the document is, bytes, once it is ready.
    #[schema(example = 48_213)]
    pub size: Option<i64>,
}

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// It is being gathered, or waits for a service that does not answer now.
    Waiting,
    /// It can be downloaded.
    Ready,
    /// It could not be gathered and is not tried again: ask for another one.
    Failed,
    /// Its job was cancelled.
    Cancelled,
}

/// A page of exports, the latest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExportList {
    /// The exports.
    pub data: Vec<Export>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// All that was held about a person when it was gathered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportDocument {
    /// About whom.
    pub user_id: UserId,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// The sections of each service, by its name.
    #[schema(
        value_type = Object,
        example = json!({"auth": {"account": {"email": "ada@example.com"}}, "prefs": {"documents": []}})
    )]
    pub services: BTreeMap<String, Map<String, Value>>,
}
