//! What webhook audits.

use contract_audit::Action;

/// Somebody registered an endpoint.
pub const ENDPOINT_CREATED: Action =
    Action::new("webhook_endpoint.created", "Somebody registered an endpoint for webhooks.");

/// Somebody changed an endpoint.
pub const ENDPOINT_UPDATED: Action = Action::new(
    "webhook_endpoint.updated",
    "Somebody changed an endpoint for webhooks, or put it on or off.",
);

/// Somebody deleted an endpoint.
pub const ENDPOINT_DELETED: Action =
    Action::new("webhook_endpoint.deleted", "Somebody deleted an endpoint for webhooks.");

/// Somebody read the secret of an endpoint.
pub const SECRET_READ: Action =
    Action::new("webhook_endpoint.secret_read", "Somebody read what an endpoint's messages are signed with.");

/// Somebody replaced the secret of an endpoint.
pub const SECRET_ROTATED: Action = Action::new(
    "webhook_endpoint.secret_rotated",
    "Somebody replaced what an endpoint's messages are signed with.",
);

/// Somebody had what failed sent again.
pub const ENDPOINT_RECOVERED: Action = Action::new(
    "webhook_endpoint.recovered",
    "Somebody had all that an endpoint did not get since then sent again.",
);

/// All of them.
pub const ALL: [Action; 6] =
    [ENDPOINT_CREATED, ENDPOINT_UPDATED, ENDPOINT_DELETED, ENDPOINT_RECOVERED, SECRET_READ, SECRET_ROTATED];
