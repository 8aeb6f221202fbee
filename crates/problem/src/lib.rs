//! One error format for every refusal and failure: `application/problem+json`
//! ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) of a closed set of kinds.
//!
//! A noun's error enum says its [`Kind`] and `code` by implementing [`Describe`];
//! with the feature `actix`, `?` in a handler then makes the reply ([`HttpError`]).

mod describe;
#[cfg(feature = "actix")]
mod http;
mod kind;

pub use describe::Describe;
#[cfg(feature = "actix")]
pub use http::HttpError;
pub use kind::Kind;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of every error reply.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// The body of every error reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URI reference that documents this kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/docs/problems#invalid")]
    pub kind: String,
    /// The kind in words; the same for all problems of the kind.
    #[schema(example = "Invalid")]
    pub title: String,
    /// The HTTP status, repeated.
    #[schema(example = 422)]
    pub status: u16,
    /// What is wrong this time and what to mend, for a person.
    #[schema(example = "the request has 1 invalid field")]
    pub detail: String,
    /// What is wrong, for a program: stable, in `snake_case`.
    #[schema(example = "invalid_fields")]
    pub code: String,
    /// Names this request in the logs of every service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "req_01h455vb4pex5vsknk084sn02q")]
    pub request_id: Option<String>,
    /// The fields to mend, when there are some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// One field to mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where, as a JSON Pointer (RFC 6901) into the request's body, or `?name`
    /// for a query parameter.
    #[schema(example = "/email")]
    pub pointer: String,
    /// What, for a program.
    #[schema(example = "not_an_address")]
    pub code: String,
    /// What, for a person.
    #[schema(example = "an address such as ada@example.com is wanted")]
    pub detail: String,
}

impl FieldError {
    /// A fault of the field that `pointer` names.
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: detail.into() }
    }
}

impl Problem {
    /// A problem of `kind` with a stable `code` and a sentence for a person.
    pub fn new(kind: Kind, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind: kind.uri(),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            code: code.into(),
            request_id: None,
            errors: Vec::new(),
        }
    }

    /// What a client may know of `error`: of a failure of ours, a fixed sentence only.
    pub fn describing<E: Describe + ?Sized>(error: &E) -> Self {
        let kind = error.kind();
        let detail = kind.fixed_sentence().map_or_else(|| error.to_string(), str::to_owned);
        Self { errors: error.fields(), ..Self::new(kind, error.code(), detail) }
    }
}
