//! The scopes that these operations need.

use identity::Permission;

/// See and watch the jobs of the own organisation.
#[derive(Debug)]
pub(crate) enum ReadJobs {}

impl Permission for ReadJobs {
    const SCOPE: &'static str = "jobs:read";
}

/// Cancel the jobs of the own organisation.
#[derive(Debug)]
pub(crate) enum WriteJobs {}

impl Permission for WriteJobs {
    const SCOPE: &'static str = "jobs:write";
}

/// See, retry and cancel all jobs, the platform's own among them.
#[derive(Debug)]
pub(crate) enum AdministerJobs {}

impl Permission for AdministerJobs {
    const SCOPE: &'static str = "jobs:admin";
}
