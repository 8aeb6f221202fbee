//! The scopes that auth's own operations need.

use identity::Permission;

/// Read the own account, sessions and API keys.
#[derive(Debug)]
pub(crate) enum ReadAuth {}

impl Permission for ReadAuth {
    const SCOPE: &'static str = "auth:read";
}

/// Administer users and roles.
#[derive(Debug)]
pub(crate) enum AdministerAuth {}

impl Permission for AdministerAuth {
    const SCOPE: &'static str = "auth:admin";
}

/// Change the own account, sessions and API keys.
#[derive(Debug)]
pub(crate) enum WriteAuth {}

impl Permission for WriteAuth {
    const SCOPE: &'static str = "auth:write";
}

/// Read organisations and their members.
#[derive(Debug)]
pub(crate) enum ReadOrganizations {}

impl Permission for ReadOrganizations {
    const SCOPE: &'static str = "orgs:read";
}

/// Change organisations and their members.
#[derive(Debug)]
pub(crate) enum WriteOrganizations {}

impl Permission for WriteOrganizations {
    const SCOPE: &'static str = "orgs:write";
}
