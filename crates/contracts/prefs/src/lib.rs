//! What prefs says and hears: the shapes of its JSON, its routes, and a client.
//!
//! A namespace (`appearance`) has a JSON Schema and defaults. Over them every
//! organisation has a layer of overrides, and every user another. What is read is always
//! the merged document.

pub mod audited;
mod client;
mod document;
pub mod events;
mod export;
mod history;
mod layers;
mod name;
mod namespace;
mod notice;
mod organization;
pub mod routes;
mod watching;

pub use client::{Client, Tagged, Writing};
pub use document::{PreferenceDocument, PreferenceSource, Preferences};
pub use export::{ExportedDocument, ExportedPreferences};
pub use history::{PreferenceChange, PreferenceHistory, PreferenceVersion, Restore};
pub use name::{NamespaceName, NotAName};
pub use namespace::{
    MappedValue, MigrationStep, Namespace, NamespaceId, NamespaceKind, NamespacePage, NamespaceVersion,
    NamespaceVersionPage, NewNamespace,
};
pub use notice::{Notice, State};
pub use organization::{Locks, OrganizationPreferences};
pub use watching::{News, Watching};

/// The media type of a PATCH (RFC 7396).
pub const MERGE_PATCH: &str = "application/merge-patch+json";
