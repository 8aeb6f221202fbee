use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::NamespaceName;

/// `event: changed` of the stream: a document is another one now. Read it anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreferenceNotice)]
pub struct Notice {
    /// Which.
    pub namespace: NamespaceName,
    /// The ETag that it has now.
    #[schema(example = "\"1.0.4\"")]
    pub etag: String,
}

/// `event: state`, with which a stream begins that goes on behind no event: what a
/// client that holds other ETags reads anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreferenceState)]
pub struct State {
    /// The ETag of every document.
    #[schema(example = json!({"appearance": "\"1.0.3\""}))]
    pub etags: BTreeMap<NamespaceName, String>,
}
