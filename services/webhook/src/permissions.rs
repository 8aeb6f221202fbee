//! The scopes that webhook's operations need.

use identity::Permission;

/// Read endpoints.
#[derive(Debug)]
pub(crate) enum ReadWebhooks {}

impl Permission for ReadWebhooks {
    const SCOPE: &'static str = "webhooks:read";
}

/// Change endpoints; and read their secrets, with which messages could be forged.
#[derive(Debug)]
pub(crate) enum WriteWebhooks {}

impl Permission for WriteWebhooks {
    const SCOPE: &'static str = "webhooks:write";
}
