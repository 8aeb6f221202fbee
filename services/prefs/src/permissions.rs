//! The scopes that prefs' operations need.

use identity::Permission;

/// Read the own preferences.
#[derive(Debug)]
pub(crate) enum ReadPreferences {}

impl Permission for ReadPreferences {
    const SCOPE: &'static str = "prefs:read";
}

/// Change the own preferences.
#[derive(Debug)]
pub(crate) enum WritePreferences {}

impl Permission for WritePreferences {
    const SCOPE: &'static str = "prefs:write";
}

/// Change what is the organisation's: beside [`WritePreferences`], for its layer.
#[derive(Debug)]
pub(crate) enum WriteOrganization {}

impl Permission for WriteOrganization {
    const SCOPE: &'static str = "orgs:write";
}

/// Read and register namespaces, which are the platform's.
#[derive(Debug)]
pub(crate) enum AdministerPreferences {}

impl Permission for AdministerPreferences {
    const SCOPE: &'static str = "prefs:admin";
}

/// Evaluate and read flags, and tell who saw and did what.
#[derive(Debug)]
pub(crate) enum ReadFlags {}

impl Permission for ReadFlags {
    const SCOPE: &'static str = "flags:read";
}

/// Change flags, segments, environments and experiments.
#[derive(Debug)]
pub(crate) enum WriteFlags {}

impl Permission for WriteFlags {
    const SCOPE: &'static str = "flags:write";
}
