use problem::{Describe, FieldError, Kind};
use service_discovery::{CallError, Service};
use service_kit::{db, page::PageError};

/// Why the log is not told.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The query names no page.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The query names a service that keeps no log here.
    #[error("`services` names one that keeps no log here: {0}")]
    UnknownService(String),
    /// A service does not answer. Without its entries the log would mislead.
    #[error("{0} does not tell its part of the log")]
    Silent(Service, #[source] CallError),
    /// Another service than auth asks.
    #[error("only auth reads the log")]
    NotAuth,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for AuditError {
    fn kind(&self) -> Kind {
        match self {
            Self::Page(error) => error.kind(),
            Self::UnknownService(_) => Kind::Malformed,
            Self::Silent(..) => Kind::Unavailable,
            Self::NotAuth => Kind::Forbidden,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Page(error) => error.code(),
            Self::UnknownService(_) => "service_unknown",
            Self::Silent(..) => "audit_log_incomplete",
            Self::NotAuth => "service_not_allowed",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Page(error) => error.fields(),
            Self::UnknownService(_) => vec![FieldError::new("?services", self.code(), self.to_string())],
            Self::Silent(service, _) => {
                let detail = format!("{service} does not answer: try again, or leave it out of `services`");
                vec![FieldError::new("?services", "no_answer", detail)]
            }
            Self::NotAuth | Self::Db(_) => Vec::new(),
        }
    }
}
