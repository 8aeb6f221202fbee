//! Sets of problems for the OpenAPI documents: what an operation may answer with,
//! by what it takes. None of them is ever a value.

use problem::Problem;
use utoipa::IntoResponses;

/// Of every operation that takes a credential.
#[derive(Debug, IntoResponses)]
pub enum Credentialed {
    /// No credential, or one that is not accepted.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(#[to_schema] Problem),
    /// The credential lacks the scope, or a login session is needed.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// The database or the keys are not available now.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] Problem),
}

/// Of an operation that takes a JSON body.
#[derive(Debug, IntoResponses)]
pub enum Bodied {
    /// The body is no JSON.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(#[to_schema] Problem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] Problem),
    /// The body has another media type.
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(#[to_schema] Problem),
    /// `errors` names the fields to mend.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] Problem),
}

/// Of a list.
#[derive(Debug, IntoResponses)]
pub enum Queried {
    /// The query cannot be read, or is out of range.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(#[to_schema] Problem),
}

/// Of an operation on one thing.
#[derive(Debug, IntoResponses)]
pub enum NotFound {
    /// There is no such thing, or it is somebody else's.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
}

/// Of an operation that takes a proof other than a credential.
#[derive(Debug, IntoResponses)]
pub enum Unauthenticated {
    /// The proof is not accepted.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(#[to_schema] Problem),
}

/// Of an operation that needs what may be down or overloaded.
#[derive(Debug, IntoResponses)]
pub enum Overloaded {
    /// Try again after the seconds in `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] Problem),
}
