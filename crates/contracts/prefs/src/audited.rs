//! What prefs audits.

use contract_audit::Action;

/// An administrator registered a namespace.
pub const NAMESPACE_REGISTERED: Action =
    Action::new("namespace.registered", "An administrator registered a namespace of preferences.");

/// An administrator replaced a namespace.
pub const NAMESPACE_REPLACED: Action =
    Action::new("namespace.replaced", "An administrator replaced the schema and defaults of a namespace.");

/// All of it.
pub const ALL: [Action; 2] = [NAMESPACE_REGISTERED, NAMESPACE_REPLACED];
