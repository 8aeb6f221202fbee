//! What prefs audits.

use contract_audit::Action;

/// An administrator registered a namespace.
pub const NAMESPACE_REGISTERED: Action =
    Action::new("namespace.registered", "An administrator registered a namespace of preferences.");

/// An administrator replaced a namespace.
pub const NAMESPACE_REPLACED: Action =
    Action::new("namespace.replaced", "An administrator replaced the schema and defaults of a namespace.");

/// What an organisation chose was changed.
pub const ORGANIZATION_CHANGED: Action = Action::new(
    "preferences.organization_changed",
    "What an organisation chose for its members in a namespace, or locked, was changed.",
);

/// Somebody made a feature flag.
pub const FLAG_CREATED: Action = Action::new("flag.created", "Somebody made a feature flag.");

/// Somebody replaced a feature flag.
pub const FLAG_UPDATED: Action = Action::new("flag.updated", "Somebody changed a feature flag.");

/// Somebody archived a feature flag.
pub const FLAG_ARCHIVED: Action = Action::new("flag.archived", "Somebody archived a feature flag.");

/// Somebody brought an earlier version of a feature flag back.
pub const FLAG_RESTORED: Action =
    Action::new("flag.restored", "Somebody brought an earlier version of a feature flag back.");

/// Somebody wrote a segment.
pub const SEGMENT_WRITTEN: Action =
    Action::new("flag_segment.written", "Somebody made or changed a segment of feature flags.");

/// Somebody deleted a segment.
pub const SEGMENT_DELETED: Action =
    Action::new("flag_segment.deleted", "Somebody deleted a segment of feature flags.");

/// Somebody added an environment.
pub const ENVIRONMENT_CREATED: Action =
    Action::new("flag_environment.created", "Somebody added an environment of feature flags.");

/// Somebody deleted an environment.
pub const ENVIRONMENT_DELETED: Action =
    Action::new("flag_environment.deleted", "Somebody deleted an environment of feature flags.");

/// Somebody planned an experiment.
pub const EXPERIMENT_CREATED: Action = Action::new("experiment.created", "Somebody planned an experiment.");

/// Somebody started an experiment.
pub const EXPERIMENT_STARTED: Action = Action::new("experiment.started", "Somebody started an experiment.");

/// Somebody stopped an experiment.
pub const EXPERIMENT_STOPPED: Action = Action::new("experiment.stopped", "Somebody stopped an experiment.");

/// What is audited of flags.
pub const OF_FLAGS: [Action; 11] = [
    FLAG_CREATED,
    FLAG_UPDATED,
    FLAG_ARCHIVED,
    FLAG_RESTORED,
    SEGMENT_WRITTEN,
    SEGMENT_DELETED,
    ENVIRONMENT_CREATED,
    ENVIRONMENT_DELETED,
    EXPERIMENT_CREATED,
    EXPERIMENT_STARTED,
    EXPERIMENT_STOPPED,
];

/// What is audited of preferences.
pub const ALL: [Action; 3] = [NAMESPACE_REGISTERED, NAMESPACE_REPLACED, ORGANIZATION_CHANGED];
