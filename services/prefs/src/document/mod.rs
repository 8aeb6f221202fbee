//! A document: what a user prefers in one namespace, as overrides over its defaults.

mod error;
pub(crate) mod http;
mod rules;
mod store;

pub(crate) use error::DocumentError;

use actix_web::http::header::EntityTag;
use contract_prefs::{NamespaceName, PreferenceDocument};
use serde_json::Value;

/// A user's overrides in one namespace, with what they override, as the database has them.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) namespace: NamespaceName,
    pub(crate) namespace_version: i64,
    pub(crate) defaults: PreferenceDocument,
    pub(crate) layer: PreferenceDocument,
    /// 0 when nothing was ever written.
    pub(crate) version: i64,
    /// The namespace's schema, if it was replaced since the layer was written: then
    /// some of the layer may not fit any more.
    pub(crate) schema: Option<Value>,
}

impl Held {
    /// Strong, and never the same twice: neither version ever goes back.
    pub(crate) fn etag(&self) -> EntityTag {
        EntityTag::new_strong(format!("{}.{}", self.namespace_version, self.version))
    }

    /// What the user reads.
    pub(crate) fn merged(&self) -> PreferenceDocument {
        rules::merge(&self.defaults, &self.layer)
    }
}
