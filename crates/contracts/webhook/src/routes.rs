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

/// GET: what goes there, and how far it is.
pub const DELIVERIES: &str = "/api/v1/webhooks/endpoints/{id}/deliveries";

/// GET: the messages of one that is polled, after a cursor.
pub const POLL: &str = "/api/v1/webhooks/endpoints/{id}/poll";

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

/// GET: the list of sources. POST: registers one.
pub const SOURCES: &str = "/api/v1/webhooks/sources";

/// GET, PATCH, DELETE: one source.
pub const SOURCE: &str = "/api/v1/webhooks/sources/{id}";

/// GET: what its hooks are verified with.
pub const SOURCE_SECRET: &str = "/api/v1/webhooks/sources/{id}/secret";

/// GET: what came from it.
pub const RECEIVED: &str = "/api/v1/webhooks/sources/{id}/received";

/// POST: what a provider sends.
pub const HOOK: &str = "/api/v1/hooks/{source}";

/// POST: a link to the page where endpoints are looked after.
pub const PORTAL_LINKS: &str = "/api/v1/webhooks/portal-links";

/// GET: the page.
pub const PORTAL: &str = "/api/v1/webhooks/portal";

/// All of them, with their methods.
pub const ALL: [(&str, &[&str]); 25] = [
    (ENDPOINTS, &["GET", "POST"]),
    (ENDPOINT, &["GET", "PATCH", "DELETE"]),
    (SECRET, &["GET"]),
    (ROTATE_SECRET, &["POST"]),
    (ENABLE, &["POST"]),
    (DISABLE, &["POST"]),
    (TEST, &["POST"]),
    (RECOVER, &["POST"]),
    (REPLAY, &["POST"]),
    (DELIVERIES, &["GET"]),
    (POLL, &["GET"]),
    (STATS, &["GET"]),
    (EVENT_TYPES, &["GET", "POST"]),
    (EVENT_TYPE, &["GET", "PUT", "DELETE"]),
    (MESSAGES, &["GET", "POST"]),
    (MESSAGE, &["GET"]),
    (ATTEMPTS, &["GET"]),
    (RESEND, &["POST"]),
    (SOURCES, &["GET", "POST"]),
    (SOURCE, &["GET", "PATCH", "DELETE"]),
    (SOURCE_SECRET, &["GET"]),
    (RECEIVED, &["GET"]),
    (HOOK, &["POST"]),
    (PORTAL_LINKS, &["POST"]),
    (PORTAL, &["GET"]),
];
