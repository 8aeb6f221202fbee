//! What keeps two writers from losing each other's work: ETags, and what a request
//! relies on (RFC 9110 section 13).

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, EntityTag, Header},
};
use problem::{Describe, HttpError, Kind, Problem};
use utoipa::IntoResponses;

/// The `If-Match` and `If-None-Match` of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preconditions {
    /// It must be one of these now.
    pub(crate) matching: Wanted,
    /// It must be none of these now.
    pub(crate) other_than: Wanted,
}

/// What one of the two headers says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It is not there.
    Nothing,
    /// `*`: whatever there is.
    Anything,
    /// One of these.
    OneOf(Vec<EntityTag>),
}

/// A write that does not say what it relies on, or relies on what is no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PreconditionError {
    #[error("`{0}` is `*` or ETags as they were received, quotes included")]
    Malformed(&'static str),
    #[error("`If-Match` with the ETag that was read is wanted, or `*` to write whatever was there")]
    Required,
    #[error("it has changed since it was read: read it again and redo the change")]
    Failed,
}

/// What a write may answer for its precondition's sake, for the OpenAPI document.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only the descriptions are of use")]
pub(crate) enum Preconditioned {
    /// Too many write it at once: try again.
    #[response(status = 409, content_type = "application/problem+json")]
    Contended(Problem),
    /// It has changed since it was read; `ETag` tells what it is now.
    #[response(status = 412, content_type = "application/problem+json")]
    Failed(Problem),
    /// `If-Match` is missing.
    #[response(status = 428, content_type = "application/problem+json")]
    Required(Problem),
}

impl Preconditions {
    /// Whether a write may go on from the state whose tag is `current`.
    ///
    /// Weak tags never match (RFC 9110 section 13.1.1).
    pub(crate) fn admit_write(&self, current: &EntityTag) -> Result<(), PreconditionError> {
        let fits = match &self.matching {
            Wanted::Nothing => return Err(PreconditionError::Required),
            Wanted::Anything => true,
            Wanted::OneOf(tags) => tags.iter().any(|tag| tag.strong_eq(current)),
        };
        if fits && !self.is_known(current) { Ok(()) } else { Err(PreconditionError::Failed) }
    }

    /// Whether `If-None-Match` names `current`: to a reader, nothing is new.
    pub(crate) fn is_known(&self, current: &EntityTag) -> bool {
        match &self.other_than {
            Wanted::Nothing => false,
            Wanted::Anything => true,
            Wanted::OneOf(tags) => tags.iter().any(|tag| tag.weak_eq(current)),
        }
    }

    fn of(request: &HttpRequest) -> Result<Self, PreconditionError> {
        let matching = match header::IfMatch::parse(request) {
            _ if !request.headers().contains_key(header::IF_MATCH) => Wanted::Nothing,
            Ok(header::IfMatch::Any) => Wanted::Anything,
            Ok(header::IfMatch::Items(tags)) if !tags.is_empty() => Wanted::OneOf(tags),
            _ => return Err(PreconditionError::Malformed("If-Match")),
        };
        let other_than = match header::IfNoneMatch::parse(request) {
            _ if !request.headers().contains_key(header::IF_NONE_MATCH) => Wanted::Nothing,
            Ok(header::IfNoneMatch::Any) => Wanted::Anything,
            Ok(header::IfNoneMatch::Items(tags)) if !tags.is_empty() => Wanted::OneOf(tags),
            _ => return Err(PreconditionError::Malformed("If-None-Match")),
        };
        Ok(Self { matching, other_than })
    }
}

impl PreconditionError {
    /// The reply; a stale writer learns the `current` tag.
    pub(crate) fn with_current(self, current: &EntityTag) -> HttpError {
        HttpError::from(self).with_header(header::ETAG, current.to_string())
    }
}

impl FromRequest for Preconditions {
    type Error = HttpError;
    type Future = Ready<Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).map_err(HttpError::from))
    }
}

impl Describe for PreconditionError {
    fn kind(&self) -> Kind {
        match self {
            Self::Malformed(_) => Kind::Malformed,
            Self::Required => Kind::PreconditionRequired,
            Self::Failed => Kind::PreconditionFailed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "precondition_malformed",
            Self::Required => "precondition_required",
            Self::Failed => "precondition_failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn of(headers: &[(&str, &str)]) -> Result<Preconditions, PreconditionError> {
        let request =
            headers.iter().fold(TestRequest::default(), |request, pair| request.append_header(*pair));
        Preconditions::of(&request.to_http_request())
    }

    fn write(headers: &[(&str, &str)]) -> Result<(), PreconditionError> {
        of(headers)?.admit_write(&EntityTag::new_strong("3.7".to_owned()))
    }

    #[test]
    fn a_write_names_what_it_relies_on() {
        assert_eq!(write(&[]), Err(PreconditionError::Required));
        assert_eq!(write(&[("if-match", r#""3.7""#)]), Ok(()));
        assert_eq!(write(&[("if-match", r#""3.6", "3.7""#)]), Ok(()));
        assert_eq!(write(&[("if-match", r#""3.6""#), ("if-match", r#""3.7""#)]), Ok(()));
        assert_eq!(write(&[("if-match", "*")]), Ok(()));
        assert_eq!(write(&[("if-match", r#""3.6""#)]), Err(PreconditionError::Failed));
        assert_eq!(write(&[("if-match", "*"), ("if-none-match", "*")]), Err(PreconditionError::Failed));
    }

    #[test]
    fn a_weak_tag_never_admits_a_write() {
        assert_eq!(write(&[("if-match", r#"W/"3.7""#)]), Err(PreconditionError::Failed));
    }

    #[test]
    fn what_is_no_tag_is_malformed() {
        for bad in ["3.7", "", "\"3.7", "* *"] {
            assert_eq!(write(&[("if-match", bad)]), Err(PreconditionError::Malformed("If-Match")), "{bad}");
            let read = of(&[("if-none-match", bad)]);
            assert_eq!(read, Err(PreconditionError::Malformed("If-None-Match")), "{bad}");
        }
    }

    #[test]
    fn a_reader_knows_it_by_either_form_of_its_tag() {
        let current = EntityTag::new_strong("3.7".to_owned());
        for known in [r#""3.7""#, r#"W/"3.7""#, r#""1", "3.7""#, "*"] {
            assert!(of(&[("if-none-match", known)]).unwrap().is_known(&current), "{known}");
        }
        assert!(!of(&[("if-none-match", r#""3.8""#)]).unwrap().is_known(&current));
        assert!(!of(&[]).unwrap().is_known(&current));
    }
}
