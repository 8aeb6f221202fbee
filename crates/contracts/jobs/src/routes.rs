//! The routes of jobs. Each service has them under its own area, which takes the place
//! of `{service}`.

use service_discovery::Service;

/// GET: one job of the caller's organisation.
pub const JOB: &str = "/api/v1/{service}/jobs/{id}";

/// GET: its progress, as server-sent events.
pub const JOB_EVENTS: &str = "/api/v1/{service}/jobs/{id}/events";

/// POST: asks it to end.
pub const CANCEL_JOB: &str = "/api/v1/{service}/jobs/{id}/cancel";

/// GET: the jobs of all organisations and of the platform.
pub const ALL_JOBS: &str = "/api/v1/admin/{service}/jobs";

/// GET: how many there are.
pub const JOB_COUNTS: &str = "/api/v1/admin/{service}/jobs/counts";

/// GET: one of them, with all that is known of it.
pub const ANY_JOB: &str = "/api/v1/admin/{service}/jobs/{id}";

/// POST: puts it back into the queue.
pub const RETRY_ANY_JOB: &str = "/api/v1/admin/{service}/jobs/{id}/retry";

/// POST: asks it to end.
pub const CANCEL_ANY_JOB: &str = "/api/v1/admin/{service}/jobs/{id}/cancel";

/// Every route with its method.
pub const ALL: [(&str, &str); 8] = [
    (JOB, "GET"),
    (JOB_EVENTS, "GET"),
    (CANCEL_JOB, "POST"),
    (ALL_JOBS, "GET"),
    (JOB_COUNTS, "GET"),
    (ANY_JOB, "GET"),
    (RETRY_ANY_JOB, "POST"),
    (CANCEL_ANY_JOB, "POST"),
];

/// `route` as `service` has it.
#[must_use]
pub fn of(service: Service, route: &str) -> String {
    route.replace("{service}", service.area())
}
