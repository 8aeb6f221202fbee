use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use problem::{Describe, Kind};

/// The database failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is away, or too busy: trying again helps.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refused the query.
    #[error("the database refused the query")]
    Query(#[source] DieselError),
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let passes = is_outage(&error) || is_contention(&error);
        if passes { Self::Unavailable(Box::new(error)) } else { Self::Query(error) }
    }
}

/// Whether it is behind this error that the database is away, or too busy: trying again helps.
#[must_use]
pub fn is_passing(error: &(dyn std::error::Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.into_iter().any(|cause| match (cause.downcast_ref(), cause.downcast_ref()) {
        (Some(Error::Unavailable(_)), _) => true,
        (_, Some(diesel)) => is_outage(diesel) || is_contention(diesel),
        _ => false,
    })
}

/// Whether the server or the connection is gone. diesel keeps no SQLSTATE, so what
/// the server says when it stops (57P01 to 57P03) is known by its words.
fn is_outage(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection,
            _,
        )
        | DieselError::BrokenTransactionManager => true,
        DieselError::DatabaseError(_, info) => {
            info.message().starts_with("terminating connection")
                || info.message().starts_with("the database system is")
        }
        DieselError::RollbackErrorOnCommit { rollback_error, commit_error } => {
            is_outage(rollback_error) || is_outage(commit_error)
        }
        _ => false,
    }
}

/// Whether the transaction was given up for the sake of others (40P01, 55P03): nothing of it has
/// happened, and it may be sent again.
fn is_contention(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(_, info)
        if info.message().starts_with("deadlock detected")
            || info.message() == "canceling statement due to lock timeout")
}

impl Describe for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
            Self::Query(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "database_unavailable",
            Self::Query(_) => "internal",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Unavailable(_)).then_some(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &str) -> Error {
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned())).into()
    }

    #[test]
    fn whoever_was_given_up_for_others_may_come_again() {
        for passing in [
            "deadlock detected",
            "canceling statement due to lock timeout",
            "terminating connection due to administrator command",
        ] {
            let error = of(passing);
            assert!(matches!(error, Error::Unavailable(_)) && error.retry_after().is_some(), "{passing}");
        }
        assert!(matches!(of("division by zero"), Error::Query(_)));
        assert!(is_passing(&of("deadlock detected")) && !is_passing(&of("division by zero")));
        let wrapped = std::io::Error::other(of("deadlock detected"));
        assert!(is_passing(&wrapped), "whatever it is the cause of");
    }
}
