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

/// All of it.
pub const ALL: [Action; 3] = [NAMESPACE_REGISTERED, NAMESPACE_REPLACED, ORGANIZATION_CHANGED];
