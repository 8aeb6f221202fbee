//! The routes of prefs, as its OpenAPI document writes them.

/// GET: all namespaces, merged. DELETE: erases all of the caller's.
pub const PREFERENCES: &str = "/api/v1/prefs";

/// GET, PUT, PATCH, DELETE: one namespace, merged.
pub const DOCUMENT: &str = "/api/v1/prefs/{namespace}";

/// GET: every version of the caller's overrides, newest first.
pub const HISTORY: &str = "/api/v1/prefs/{namespace}/history";

/// POST: puts an earlier version back.
pub const RESTORE: &str = "/api/v1/prefs/{namespace}/restore";

/// GET, PUT, PATCH, DELETE: the organisation's layer.
pub const ORGANIZATION: &str = "/api/v1/prefs/{namespace}/organization";

/// PUT: what members do not override.
pub const LOCKS: &str = "/api/v1/prefs/{namespace}/organization/locks";

/// GET: every version of the organisation's layer, newest first.
pub const ORGANIZATION_HISTORY: &str = "/api/v1/prefs/{namespace}/organization/history";

/// POST: puts an earlier version of the organisation's layer back.
pub const RESTORE_ORGANIZATION: &str = "/api/v1/prefs/{namespace}/organization/restore";

/// GET: all that is held of the caller's preferences in the organisation.
pub const EXPORT: &str = "/api/v1/prefs/export";

/// GET: what changes, as server-sent events.
pub const EVENTS: &str = "/api/v1/prefs/events";

/// GET: the list of namespaces.
pub const NAMESPACES: &str = "/api/v1/admin/prefs/namespaces";

/// GET, PUT: one namespace with its schema and defaults.
pub const NAMESPACE: &str = "/api/v1/admin/prefs/namespaces/{namespace}";

/// GET: every version of one namespace, newest first.
pub const NAMESPACE_VERSIONS: &str = "/api/v1/admin/prefs/namespaces/{namespace}/versions";

/// GET, POST: the feature flags of an organisation.
pub const FLAGS: &str = "/api/v1/flags";

/// GET, PUT, DELETE: one flag.
pub const FLAG: &str = "/api/v1/flags/{key}";

/// GET: the versions of a flag.
pub const FLAG_HISTORY: &str = "/api/v1/flags/{key}/history";

/// POST: an earlier version of a flag comes back.
pub const RESTORE_FLAG: &str = "/api/v1/flags/{key}/restore";

/// POST: somebody saw a variant of a flag.
pub const FLAG_EXPOSURES: &str = "/api/v1/flags/{key}/exposures";

/// GET: segments, which rules of flags name.
pub const SEGMENTS: &str = "/api/v1/flag-segments";

/// GET, PUT, DELETE: one segment.
pub const SEGMENT: &str = "/api/v1/flag-segments/{key}";

/// GET, POST: where flags are evaluated.
pub const ENVIRONMENTS: &str = "/api/v1/flag-environments";

/// DELETE: one environment.
pub const ENVIRONMENT: &str = "/api/v1/flag-environments/{key}";

/// GET, POST: experiments on flags.
pub const EXPERIMENTS: &str = "/api/v1/experiments";

/// GET: one experiment.
pub const EXPERIMENT: &str = "/api/v1/experiments/{id}";

/// POST: it begins.
pub const START_EXPERIMENT: &str = "/api/v1/experiments/{id}/start";

/// POST: it is over.
pub const STOP_EXPERIMENT: &str = "/api/v1/experiments/{id}/stop";

/// POST: somebody did what it counts.
pub const CONVERSIONS: &str = "/api/v1/experiments/{id}/conversions";

/// GET: what it found so far.
pub const RESULTS: &str = "/api/v1/experiments/{id}/results";

/// POST: one flag for a context (OFREP).
pub const EVALUATE_FLAG: &str = "/ofrep/v1/evaluate/flags/{key}";

/// POST: all flags for a context (OFREP).
pub const EVALUATE_FLAGS: &str = "/ofrep/v1/evaluate/flags";

/// Every route of flags with its methods.
pub const OF_FLAGS: [(&str, &[&str]); 17] = [
    (FLAGS, &["GET", "POST"]),
    (FLAG, &["GET", "PUT", "DELETE"]),
    (FLAG_HISTORY, &["GET"]),
    (RESTORE_FLAG, &["POST"]),
    (FLAG_EXPOSURES, &["POST"]),
    (SEGMENTS, &["GET"]),
    (SEGMENT, &["GET", "PUT", "DELETE"]),
    (ENVIRONMENTS, &["GET", "POST"]),
    (ENVIRONMENT, &["DELETE"]),
    (EXPERIMENTS, &["GET", "POST"]),
    (EXPERIMENT, &["GET"]),
    (START_EXPERIMENT, &["POST"]),
    (STOP_EXPERIMENT, &["POST"]),
    (CONVERSIONS, &["POST"]),
    (RESULTS, &["GET"]),
    (EVALUATE_FLAG, &["POST"]),
    (EVALUATE_FLAGS, &["POST"]),
];

/// Every route of preferences with its methods.
pub const ALL: [(&str, &[&str]); 13] = [
    (PREFERENCES, &["GET", "DELETE"]),
    (EXPORT, &["GET"]),
    (EVENTS, &["GET"]),
    (DOCUMENT, &["GET", "PUT", "PATCH", "DELETE"]),
    (HISTORY, &["GET"]),
    (RESTORE, &["POST"]),
    (ORGANIZATION, &["GET", "PUT", "PATCH", "DELETE"]),
    (LOCKS, &["PUT"]),
    (ORGANIZATION_HISTORY, &["GET"]),
    (RESTORE_ORGANIZATION, &["POST"]),
    (NAMESPACES, &["GET"]),
    (NAMESPACE, &["GET", "PUT"]),
    (NAMESPACE_VERSIONS, &["GET"]),
];
