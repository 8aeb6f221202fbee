use problem::{Describe, Kind};

/// Why a page may not do this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginError {
    /// It says where it comes from, and that is nowhere we trust.
    #[error("`Origin` names a page that may not do this")]
    Foreign,
    /// It does not say, and acts by what a browser sends by itself.
    #[error(
        "what acts by the session cookie must say that it comes from a trusted page: \
         a browser does, by `Origin` or `Sec-Fetch-Site`; other clients send a token instead"
    )]
    Unsaid,
}

impl Describe for OriginError {
    fn kind(&self) -> Kind {
        Kind::Forbidden
    }

    fn code(&self) -> &'static str {
        "csrf_refused"
    }
}
