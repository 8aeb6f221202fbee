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

/// An endpoint was put off by itself.
pub const ENDPOINT_DISABLED: Action = Action::new(
    "webhook_endpoint.disabled",
    "An endpoint was put off by itself: it answered 410, or nothing was delivered to it for five days.",
);

/// Somebody registered a type of events.
pub const EVENT_TYPE_CREATED: Action =
    Action::new("webhook_event_type.created", "Somebody registered a type of events.");

/// Somebody changed what a type of events says of itself.
pub const EVENT_TYPE_UPDATED: Action =
    Action::new("webhook_event_type.updated", "Somebody changed what a type of events says of itself.");

/// Somebody deleted a type of events.
pub const EVENT_TYPE_DELETED: Action =
    Action::new("webhook_event_type.deleted", "Somebody deleted a type of events.");

/// Somebody had what an endpoint never got sent to it.
pub const ENDPOINT_REPLAYED: Action = Action::new(
    "webhook_endpoint.replayed",
    "Somebody had all that was accepted since then and never went to an endpoint sent there.",
);

/// Somebody registered a source.
pub const SOURCE_CREATED: Action =
    Action::new("webhook_source.created", "Somebody registered a source of events.");

/// Somebody changed a source.
pub const SOURCE_UPDATED: Action =
    Action::new("webhook_source.updated", "Somebody changed a source of events, or its secret.");

/// Somebody deleted a source.
pub const SOURCE_DELETED: Action =
    Action::new("webhook_source.deleted", "Somebody deleted a source of events.");

/// Somebody read the secret of a source.
pub const SOURCE_SECRET_READ: Action =
    Action::new("webhook_source.secret_read", "Somebody read what a source's events are verified with.");

/// Somebody made a link to the portal.
pub const PORTAL_LINK_CREATED: Action = Action::new(
    "webhook_portal_link.created",
    "Somebody made a link to the page where endpoints are looked after.",
);

/// All of them.
pub const ALL: [Action; 16] = [
    ENDPOINT_CREATED,
    ENDPOINT_UPDATED,
    ENDPOINT_DELETED,
    ENDPOINT_DISABLED,
    ENDPOINT_RECOVERED,
    ENDPOINT_REPLAYED,
    EVENT_TYPE_CREATED,
    EVENT_TYPE_UPDATED,
    EVENT_TYPE_DELETED,
    PORTAL_LINK_CREATED,
    SECRET_READ,
    SECRET_ROTATED,
    SOURCE_CREATED,
    SOURCE_DELETED,
    SOURCE_SECRET_READ,
    SOURCE_UPDATED,
];
