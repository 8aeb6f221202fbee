//! Sets of problems for the OpenAPI documents: what an operation may answer with,
//! by what it takes. None of them is ever a value.

use problem::Problem;
use utoipa::IntoResponses;

/// Of every operation that takes a credential.
#[derive(Debug, IntoResponses)]
pub enum Credentialed {
    /// Two credentials, or a path that can be read in two ways.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// No credential, or one that is not accepted.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// The credential lacks the scope, or a login session is needed.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// The database or the keys are not available now.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// Of an operation that takes a JSON body.
#[derive(Debug, IntoResponses)]
pub enum Bodied {
    /// The body is no JSON.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body has another media type.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// `errors` names the fields to mend.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
}

/// Of a list.
#[derive(Debug, IntoResponses)]
pub enum Queried {
    /// The query cannot be read, or is out of range.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
}

/// Of an operation on one thing.
#[derive(Debug, IntoResponses)]
pub enum NotFound {
    /// There is no such thing, or it is somebody else's.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
}

/// Of an operation that takes a proof other than a credential.
#[derive(Debug, IntoResponses)]
pub enum Unauthenticated {
    /// The proof is not accepted.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
}

/// Of an operation that needs what may be down or overloaded.
#[derive(Debug, IntoResponses)]
pub enum Overloaded {
    /// Try again after the seconds in `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// Of an operation that may be tried so often and no more.
#[derive(Debug, IntoResponses)]
pub enum Limited {
    /// Too many attempts: try again after the seconds in `Retry-After`.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
}
