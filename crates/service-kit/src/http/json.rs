use std::time::Duration;

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH},
    web,
};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use identity::Refusal;
use problem::{Describe, FieldError, HttpError, Kind};
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

/// The largest JSON body that is read, bytes.
pub const BODY_LIMIT: usize = 256 * 1024;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body, parsed at the edge. What `T` does not know is refused when `T`
/// derives `#[serde(deny_unknown_fields)]`, as public writes do.
#[derive(Clone, Copy, Debug)]
pub struct Strict<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Strict<T> {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read_json(request, payload, &["application/json"]);
        Box::pin(async move { Ok(Self(body.await?)) })
    }
}

/// The bytes of the body that a handler took, as they came: [`read_json`] leaves them
/// in the request's extensions, for what has to know whether two bodies are the same.
/// It has no `Debug`, because a body may hold a password.
#[derive(Clone)]
pub struct RawBody(pub Bytes);

/// Why a body is not the JSON that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Another media type.
    #[error("the body must be `{0}`, not compressed")]
    MediaType(&'static str),
    /// More than [`BODY_LIMIT`].
    #[error("the body is larger than {BODY_LIMIT} bytes")]
    TooLarge,
    /// It broke off.
    #[error("the body broke off")]
    Incomplete,
    /// It did not arrive in time.
    #[error("the body took longer than {} s", PATIENCE.as_secs())]
    TooSlow,
    /// The caller was revoked while it arrived.
    #[error(transparent)]
    Revoked(#[from] Refusal),
    /// Not JSON.
    #[error("the body is no JSON: {0}")]
    Syntax(String),
    /// JSON, but not what is wanted.
    #[error("the request has 1 invalid field")]
    Shape(FieldError),
}

/// Reads a body of one of these media types as `T`, and asks again then whether the
/// caller's token is still good.
///
/// # Errors
/// [`JsonError`] says what to mend; nothing beyond the limit is read.
pub fn read_json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: &mut Payload,
    media_types: &'static [&'static str],
) -> impl Future<Output = Result<T, JsonError>> + use<T> {
    let accepted = accept(request, media_types);
    let payload = web::Payload::from_request(request, payload);
    let request = request.clone();
    async move {
        accepted?;
        let payload = payload.await.map_err(|_why| JsonError::Incomplete)?;
        let body = tokio::time::timeout(PATIENCE, payload.to_bytes_limited(BODY_LIMIT));
        let body =
            body.await.map_err(|_elapsed| JsonError::TooSlow)?.map_err(|_limit| JsonError::TooLarge)?;
        let body = body.map_err(|_why| JsonError::Incomplete)?;
        identity::require_live(&request)?;
        let value = parse(&body)?;
        request.extensions_mut().insert(RawBody(body));
        Ok(value)
    }
}

/// Refuses by the head of a request what would not be worth reading.
fn accept(request: &HttpRequest, media_types: &'static [&'static str]) -> Result<(), JsonError> {
    let wanted = media_types.first().copied().unwrap_or("application/json");
    let plain = request.headers().get(CONTENT_ENCODING).is_none_or(|encoding| encoding == "identity");
    let given = request.content_type();
    if !plain || !media_types.iter().any(|known| known.eq_ignore_ascii_case(given)) {
        return Err(JsonError::MediaType(wanted));
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > BODY_LIMIT) {
        return Err(JsonError::TooLarge);
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, JsonError> {
    let text = std::str::from_utf8(body).map_err(|why| JsonError::Syntax(why.to_string()))?;
    if let Some(pointer) = nul(text)? {
        let detail = "the character U+0000 cannot be stored";
        return Err(JsonError::Shape(FieldError::new(pointer, "nul_character", detail)));
    }
    // serde would take `["Ada"]` for a struct, member by member.
    if !text.trim_start().starts_with('{') {
        return Err(shape(text, FieldError::new("", "wrong_type", "an object is wanted")));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|why| {
        let path = why.path().clone();
        let why = why.into_inner();
        if why.is_data() { shape(text, field(&path, &why)) } else { JsonError::Syntax(why.to_string()) }
    })?;
    reader.end().map_err(|why| JsonError::Syntax(why.to_string()))?;
    Ok(value)
}

/// A fault of the shape, unless the text turns out further on to be no JSON at all.
fn shape(text: &str, fault: FieldError) -> JsonError {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => JsonError::Shape(fault),
        Err(why) => JsonError::Syntax(why.to_string()),
    }
}

/// Where a string holds U+0000, which PostgreSQL's text cannot.
fn nul(text: &str) -> Result<Option<String>, JsonError> {
    fn find(value: &serde_json::Value, at: &str) -> Option<String> {
        match value {
            serde_json::Value::String(text) => text.contains('\0').then(|| at.to_owned()),
            serde_json::Value::Array(items) => {
                items.iter().enumerate().find_map(|(index, item)| find(item, &format!("{at}/{index}")))
            }
            serde_json::Value::Object(members) => members.iter().find_map(|(name, item)| {
                let here = format!("{at}/{}", escape(name));
                if name.contains('\0') { Some(at.to_owned()) } else { find(item, &here) }
            }),
            _ => None,
        }
    }
    if !text.contains("\\u0000") {
        return Ok(None);
    }
    let value = serde_json::from_str(text).map_err(|why| JsonError::Syntax(why.to_string()))?;
    Ok(find(&value, ""))
}

/// The fault of one field, in the words of a stable code and serde's sentence.
fn field(path: &Path, why: &serde_json::Error) -> FieldError {
    let sentence = why.to_string();
    let sentence = sentence.split(" at line ").next().unwrap_or_default();
    let named = sentence.split('`').nth(1).unwrap_or_default();
    let mut pointer = pointer(path);
    let code = if sentence.starts_with("missing field") {
        pointer = format!("{pointer}/{}", escape(named));
        "missing_field"
    } else if sentence.starts_with("unknown field") {
        if !pointer.ends_with(&format!("/{}", escape(named))) {
            pointer = format!("{pointer}/{}", escape(named));
        }
        "unknown_field"
    } else {
        "wrong_type"
    };
    FieldError::new(pointer, code, sentence)
}

fn pointer(path: &Path) -> String {
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", escape(key)),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(part).collect()
}

/// RFC 6901 section 3.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl Describe for JsonError {
    fn kind(&self) -> Kind {
        match self {
            Self::MediaType(_) => Kind::UnsupportedMediaType,
            Self::TooLarge => Kind::TooLarge,
            Self::Incomplete | Self::TooSlow | Self::Syntax(_) => Kind::Malformed,
            Self::Revoked(refusal) => refusal.kind(),
            Self::Shape(_) => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::MediaType(_) => "media_type_unsupported",
            Self::TooLarge => "body_too_large",
            Self::Incomplete => "body_incomplete",
            Self::TooSlow => "body_too_slow",
            Self::Revoked(refusal) => refusal.code(),
            Self::Syntax(_) => "json_malformed",
            Self::Shape(_) => "invalid_fields",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Shape(field) => vec![field.clone()],
            _ => Vec::new(),
        }
    }

    fn challenge(&self) -> Option<String> {
        match self {
            Self::Revoked(refusal) => refusal.challenge(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{
        http::header::{AUTHORIZATION, CONTENT_TYPE},
        test::TestRequest,
    };
    use futures_util::StreamExt;
    use identity::{
        Feed, KeySet, KeySource, Principal, Revocation, Revocations, SigningKey, Trusted, Verifier,
    };
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::json;
    use std::sync::Arc;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Person {
        #[expect(dead_code, reason = "only its parsing is of interest")]
        name: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only its parsing is of interest")]
        friends: Vec<Person>,
    }

    fn refusal(body: &str) -> JsonError {
        parse::<Person>(&Bytes::copy_from_slice(body.as_bytes())).unwrap_err()
    }

    fn shape(body: &str) -> (String, String) {
        match refusal(body) {
            JsonError::Shape(field) => (field.pointer, field.code),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_wrong_field_is_named_by_its_pointer() {
        let pair = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
        assert_eq!(shape(r#"{"name": 5}"#), pair("/name", "wrong_type"));
        assert_eq!(shape(r#"{}"#), pair("/name", "missing_field"));
        assert_eq!(shape(r#"{"name": "a", "admin": true}"#), pair("/admin", "unknown_field"));
        assert_eq!(
            shape(r#"{"name": "a", "friends": [{"name": "b"}, {}]}"#),
            pair("/friends/1/name", "missing_field")
        );
        assert_eq!(
            shape(r#"{"name": "a", "friends": [{"name": "b", "x/y": 1}]}"#),
            pair("/friends/0/x~1y", "unknown_field")
        );
        assert_eq!(
            shape(r#"{"name": "a", "friends": [{"name": "\u0000"}]}"#),
            pair("/friends/0/name", "nul_character")
        );
        assert_eq!(shape("[]"), pair("", "wrong_type"));
        assert_eq!(shape(r#"["Ada", []]"#), pair("", "wrong_type"), "no struct by position");
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for body in [
            "",
            "{",
            r#"{"name": 5,"#,
            r#"{"x": NaN}"#,
            "{} {}",
            "[1",
            "nonsense",
            r#"{"name": "a"} {"#,
            r#"{"name": "\ud800"}"#,
            "\u{feff}{}",
        ] {
            assert!(matches!(refusal(body), JsonError::Syntax(_)), "{body}");
        }
        assert!(matches!(refusal(&deep), JsonError::Syntax(_)));
        assert!(matches!(refusal(&format!(r#"{{"x": {deep}}}"#)), JsonError::Syntax(_)));
        let bytes = parse::<Person>(&Bytes::from_static(b"{\"name\": \"\xff\"}")).unwrap_err();
        assert!(matches!(bytes, JsonError::Syntax(_)), "{bytes:?}");
    }

    /// A body that is all there only after `meanwhile` was done.
    fn late(body: &'static str, meanwhile: impl FnOnce() + 'static) -> Payload {
        let (first, rest) = body.split_at(1);
        let rest = futures_util::stream::once(async move {
            meanwhile();
            Ok(Bytes::from(rest))
        });
        let first = futures_util::stream::once(async move { Ok(Bytes::from(first)) });
        Payload::Stream { payload: Box::pin(first.chain(rest)) }
    }

    fn verifier(key: &SigningKey) -> Verifier {
        let keys = KeySet::default();
        keys.replace(&serde_json::from_value(json!({ "keys": [key.public_jwk()] })).unwrap());
        let keys = KeySource::Held(Arc::new(keys));
        let trusted = Trusted { issuer: "i".to_owned(), audiences: vec!["a".to_owned()], keys };
        let revocations = Revocations::default();
        revocations.take(Feed::default());
        Verifier::new(vec![trusted], revocations)
    }

    #[tokio::test]
    async fn who_is_revoked_while_the_body_arrives_is_refused() {
        let (key, user) = (SigningKey::from_seed(&[7; 32]).unwrap(), ids::UserId::generate());
        let now = ids::Timestamp::now().unix_seconds();
        let claims = json!({
            "iss": "i", "sub": user, "aud": "a", "jti": "j", "iat": now, "exp": now + 60, "ver": 1,
            "sid": ids::SessionId::generate(), "org": ids::OrgId::generate(),
        });
        let token = key.sign(&serde_json::from_value(claims).unwrap()).unwrap();
        let verifier = verifier(&key);
        let request = TestRequest::post()
            .insert_header((CONTENT_TYPE, "application/json"))
            .insert_header((AUTHORIZATION, format!("Bearer {token}")))
            .app_data(web::Data::new(verifier.clone()))
            .to_http_request();
        let read = async |meanwhile: Revocation| {
            let revocations = verifier.revocations().clone();
            let mut body = late(r#"{"name": "Ada"}"#, move || revocations.hear([meanwhile]));
            read_json::<Person>(&request, &mut body, &["application/json"]).await
        };
        Principal::from_request(&request, &mut Payload::None).await.unwrap();
        assert!(read(Revocation::of_user(ids::UserId::generate(), 9)).await.is_ok());
        let refusal = read(Revocation::of_user(user, 2)).await.unwrap_err();
        assert_eq!((refusal.kind(), refusal.code()), (Kind::Unauthenticated, "token_revoked"));
        assert_eq!(refusal.challenge(), Refusal::Revoked.challenge());
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body: Vec<u8>) {
            let _ = parse::<Person>(&Bytes::from(body));
        }
    }
}
