//! What prefs says and hears: the shapes of its JSON, its routes, and a client.
//!
//! A namespace (`appearance`) has a JSON Schema and defaults. Over them every
//! organisation has a layer of overrides, and every user another. What is read is always
//! the merged document.
//!
//! A feature flag has typed variants, and rules that say who gets which; providers ask
//! for values by OFREP. An experiment compares a flag's variants.

pub mod audited;
mod client;
mod document;
pub mod events;
mod export;
mod flag;
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
pub use flag::{
    BulkEvaluation, Conversion, Evaluation, EvaluationFailure, EvaluationReason, EvaluationRequest,
    Experiment, ExperimentId, ExperimentKind, ExperimentPage, ExperimentResults, ExperimentState, Exposure,
    FLAGS_ENVIRONMENT, Flag, FlagChange, FlagCondition, FlagDefinition, FlagEnvironment, FlagEnvironments,
    FlagErrorCode, FlagEvaluation, FlagHistory, FlagId, FlagInEnvironment, FlagKey, FlagKind, FlagOperator,
    FlagPage, FlagRestore, FlagRule, FlagServe, FlagShare, FlagType, FlagVersion, MetricResult,
    NewExperiment, NewFlagEnvironment, NewSegment, NotAKey, Segment, SegmentId, SegmentKind, SegmentPage,
    VariantResult,
};
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
