/// What can go wrong, as far as a client needs to tell apart; each has one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 400: the request cannot be read.
    Malformed,
    /// 401: no credential, or one that is not accepted.
    Unauthenticated,
    /// 403: the caller is known, but may not do this.
    Forbidden,
    /// 404: no such thing, or somebody else's.
    NotFound,
    /// 405: the path exists, but not with this method.
    MethodNotAllowed,
    /// 409: the state does not allow it now.
    Conflict,
    /// 412: it has changed since it was read.
    PreconditionFailed,
    /// 413: more than is accepted.
    TooLarge,
    /// 415: a body of another media type than is accepted.
    UnsupportedMediaType,
    /// 422: the request can be read, but what it says is not valid.
    Invalid,
    /// 428: a precondition is wanted, so that no update gets lost.
    PreconditionRequired,
    /// 429: too many requests.
    TooManyRequests,
    /// 500: a failure of ours.
    Internal,
    /// 502: a service behind us gave no sensible answer.
    BadGateway,
    /// 503: something that is needed is down or overloaded; trying again helps.
    Unavailable,
    /// 504: a service behind us took too long.
    TimedOut,
}

impl Kind {
    /// Every kind, by status.
    pub const ALL: [Self; 16] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::PreconditionRequired,
        Self::TooManyRequests,
        Self::Internal,
        Self::BadGateway,
        Self::Unavailable,
        Self::TimedOut,
    ];

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid => 422,
            Self::PreconditionRequired => 428,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::BadGateway => 502,
            Self::Unavailable => 503,
            Self::TimedOut => 504,
        }
    }

    /// The kind of a status; `None` for one that no kind has.
    #[must_use]
    pub fn of_status(status: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.status() == status)
    }

    /// The kind in words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Malformed => "Malformed",
            Self::Unauthenticated => "Unauthenticated",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::Conflict => "Conflict",
            Self::PreconditionFailed => "Precondition failed",
            Self::TooLarge => "Too large",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::Invalid => "Invalid",
            Self::PreconditionRequired => "Precondition required",
            Self::TooManyRequests => "Too many requests",
            Self::Internal => "Internal failure",
            Self::BadGateway => "Bad gateway",
            Self::Unavailable => "Unavailable",
            Self::TimedOut => "Timed out",
        }
    }

    /// What a client can do about it; the text of the page that [`Kind::uri`] names.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Malformed => {
                "The request cannot be read as it stands: mend its syntax, then send it again."
            }
            Self::Unauthenticated => {
                "Send an access token or an API key that is still valid; refresh or log in to get one."
            }
            Self::Forbidden => "The caller is known but may not do this: it lacks a scope, role or session.",
            Self::NotFound => "There is no such thing for this caller. Check the path and the id.",
            Self::MethodNotAllowed => {
                "The path exists, but not with this method: `Allow` names those it has."
            }
            Self::Conflict => "The current state does not allow this. Read it again, then decide.",
            Self::PreconditionFailed => {
                "It has changed since you read it: read it again and redo the change."
            }
            Self::TooLarge => "The request is larger than is accepted: send less at a time.",
            Self::UnsupportedMediaType => "Send the body in a media type that the operation documents.",
            Self::Invalid => "The request can be read, but `errors` names fields to mend.",
            Self::PreconditionRequired => {
                "Send `If-Match` with the ETag that you read, so no update gets lost."
            }
            Self::TooManyRequests => "Wait for the seconds in `Retry-After`, then send it again.",
            Self::Internal => "A failure of ours. Tell us the request id if it stays.",
            Self::BadGateway => {
                "A service gave no sensible answer. Try again; tell us the request id if it stays."
            }
            Self::Unavailable => "Something is down or overloaded. Wait for `Retry-After` and try again.",
            Self::TimedOut => "It took too long. It may still have happened: read before you try again.",
        }
    }

    /// The URI reference of the kind's documentation, served by the gateway.
    #[must_use]
    pub fn uri(self) -> String {
        format!("/docs/problems#{}", self.slug())
    }

    /// The kind as the anchor of a page: `not-found`.
    #[must_use]
    pub fn slug(self) -> String {
        self.title().to_lowercase().replace(' ', "-")
    }

    /// Whether the fault is on our side of the wire.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        self.status() >= 500
    }

    /// All that a client is told of a failure of ours, whatever its cause says.
    pub(crate) const fn fixed_sentence(self) -> Option<&'static str> {
        match self {
            Self::Internal => Some("something went wrong on our side; it has been logged"),
            Self::BadGateway => Some("a service behind the gateway gave no sensible answer"),
            Self::Unavailable => Some("a part that this needs is not available now; try again shortly"),
            Self::TimedOut => Some("a service behind the gateway took too long to answer"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_distinct_and_in_order() {
        assert!(Kind::ALL.is_sorted_by(|one, next| one.status() < next.status()));
    }

    #[test]
    fn a_failure_of_ours_has_a_fixed_sentence_and_no_other_has() {
        for kind in Kind::ALL {
            assert_eq!(kind.fixed_sentence().is_some(), kind.is_ours(), "{kind:?}");
        }
    }

    #[test]
    fn the_uri_is_an_anchor_of_the_page() {
        assert_eq!(Kind::NotFound.uri(), "/docs/problems#not-found");
    }
}
