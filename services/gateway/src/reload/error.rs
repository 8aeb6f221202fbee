use service_kit::settings::Faults;

use crate::app::BuildError;

/// Why new settings are not put in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReloadError {
    /// They cannot be used, in a process that starts neither.
    #[error("{0}")]
    Faults(#[from] Faults),
    /// Something differs that lasts as long as the process.
    #[error("a restart is needed to change {}", .0.join(", "))]
    Fixed(Vec<&'static str>),
    /// Instances that are new, and whose names have no address.
    #[error("no address is known of {}", .0.join(", "))]
    Nowhere(Vec<String>),
    /// What follows from them cannot be set up.
    #[error(transparent)]
    Build(#[from] BuildError),
}
