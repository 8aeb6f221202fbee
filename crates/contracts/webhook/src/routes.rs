//! The routes of webhook, as its OpenAPI document writes them.

/// GET: the list of endpoints. POST: registers one.
pub const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";

/// GET, PATCH, DELETE: one endpoint.
pub const ENDPOINT: &str = "/api/v1/webhooks/endpoints/{id}";

/// GET: what its messages are signed with.
pub const SECRET: &str = "/api/v1/webhooks/endpoints/{id}/secret";

/// POST: signs with another secret from now on.
pub const ROTATE_SECRET: &str = "/api/v1/webhooks/endpoints/{id}/rotate-secret";

/// POST: it gets events again.
pub const ENABLE: &str = "/api/v1/webhooks/endpoints/{id}/enable";

/// POST: it gets none.
pub const DISABLE: &str = "/api/v1/webhooks/endpoints/{id}/disable";

/// POST: sends it a message now, and tells what came of it.
pub const TEST: &str = "/api/v1/webhooks/endpoints/{id}/test";

/// POST: what failed is sent again.
pub const RECOVER: &str = "/api/v1/webhooks/endpoints/{id}/recover";

/// POST: what never went there is sent.
pub const REPLAY: &str = "/api/v1/webhooks/endpoints/{id}/replay-missing";

/// GET: how it does.
pub const STATS: &str = "/api/v1/webhooks/endpoints/{id}/stats";

/// GET: the catalogue of types. POST: registers one of the organisation's own.
pub const EVENT_TYPES: &str = "/api/v1/webhooks/event-types";

/// GET, PUT, DELETE: one type.
pub const EVENT_TYPE: &str = "/api/v1/webhooks/event-types/{name}";

/// GET: the list of messages. POST: sends one.
pub const MESSAGES: &str = "/api/v1/webhooks/messages";

/// GET: one message, and how far it is.
pub const MESSAGE: &str = "/api/v1/webhooks/messages/{id}";

/// GET: each time that it was sent.
pub const ATTEMPTS: &str = "/api/v1/webhooks/messages/{id}/attempts";

/// POST: sends it once more.
pub const RESEND: &str = "/api/v1/webhooks/messages/{id}/resend";

/// All of them, with their methods.
pub const ALL: [(&str, &[&str]); 16] = [
    (ENDPOINTS, &["GET", "POST"]),
    (ENDPOINT, &["GET", "PATCH", "DELETE"]),
    (SECRET, &["GET"]),
    (ROTATE_SECRET, &["POST"]),
    (ENABLE, &["POST"]),
    (DISABLE, &["POST"]),
    (TEST, &["POST"]),
    (RECOVER, &["POST"]),
    (REPLAY, &["POST"]),
    (STATS, &["GET"]),
    (EVENT_TYPES, &["GET", "POST"]),
    (EVENT_TYPE, &["GET", "PUT", "DELETE"]),
    (MESSAGES, &["GET", "POST"]),
    (MESSAGE, &["GET"]),
    (ATTEMPTS, &["GET"]),
    (RESEND, &["POST"]),
];
