use std::{error::Error, time::Duration};

use crate::{FieldError, Kind};

/// An error that knows how it looks to a client.
///
/// Its `Display` is the problem's `detail` and must be fit for a stranger's eyes,
/// except where the [`Kind`] is a failure of ours: then only the log sees it.
pub trait Describe: Error {
    /// Which of the closed set it is; decides the status.
    fn kind(&self) -> Kind;

    /// Stable, in `snake_case`, for programs.
    fn code(&self) -> &'static str;

    /// The fields to mend, all of them at once.
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// When trying again makes sense; by default a second for what is unavailable.
    fn retry_after(&self) -> Option<Duration> {
        (self.kind() == Kind::Unavailable).then_some(Duration::from_secs(1))
    }

    /// The `WWW-Authenticate` of a 401 (or 403), as RFC 6750 section 3 writes it.
    fn challenge(&self) -> Option<String> {
        (self.kind() == Kind::Unauthenticated).then(|| "Bearer".to_owned())
    }
}
