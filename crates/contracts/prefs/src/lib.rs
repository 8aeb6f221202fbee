//! What prefs says and hears: the shapes of its JSON, its routes, and a client.
//!
//! A namespace (`appearance`) has a JSON Schema and defaults; every user has a layer
//! of overrides over the defaults. What is read is always the merged document.

pub mod audited;
mod client;
mod document;
pub mod events;
mod name;
mod namespace;
pub mod routes;

pub use client::{Client, Tagged, Writing};
pub use document::{PreferenceDocument, PreferenceSource, Preferences};
pub use name::{NamespaceName, NotAName};
pub use namespace::{Namespace, NamespaceId, NamespaceKind, NamespacePage, NewNamespace};

/// The media type of a PATCH (RFC 7396).
pub const MERGE_PATCH: &str = "application/merge-patch+json";
