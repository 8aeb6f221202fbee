//! Answers are compressed for clients that can read it. What is compressed is another
//! representation and has an ETag of its own (RFC 9110 section 8.8.3.3): the service's, with
//! the coding behind it, which is taken off again where the client shows it.

use actix_http::encoding::Encoder;
use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    http::{
        Method, StatusCode,
        header::{
            self, AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ContentEncoding, ETAG,
            Encoding, Header, HeaderMap, HeaderValue, IF_NONE_MATCH, VARY,
        },
    },
};
use service_kit::http::method;

/// The smallest body that is worth it, bytes.
const SMALLEST: u64 = 1024;

/// What we can do, the best first.
const CODINGS: [ContentEncoding; 2] = [ContentEncoding::Zstd, ContentEncoding::Gzip];

/// The answer, compressed if its client can read that and it is worth it. Answers to GET
/// alone: what makes tokens is none, and must not be compressed beside what a stranger may
/// have written into it (BREACH).
pub(crate) fn encoded(request: &HttpRequest, response: HttpResponse) -> HttpResponse {
    if !matches!(method(request), Method::GET | Method::HEAD) {
        return response;
    }
    if response.status() == StatusCode::NOT_MODIFIED {
        return with_the_clients_tag(request, response);
    }
    if !can_be_encoded(&response) {
        return response;
    }
    let Some(coding) = chosen(request) else { return vary(response) };
    if method(request) == Method::HEAD {
        return vary(response);
    }
    response.map_body(|head, body| {
        mark(head.headers_mut(), coding);
        BoxBody::new(Encoder::response(coding, head, body))
    })
}

/// The preconditions of a request, as the service knows its tags.
pub(crate) fn without_codings(value: &str) -> String {
    CODINGS.iter().fold(value.to_owned(), |value, coding| value.replace(&suffix(*coding), "\""))
}

fn can_be_encoded(response: &HttpResponse) -> bool {
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let large = match response.body().size() {
        BodySize::None => false,
        BodySize::Sized(length) => length >= SMALLEST,
        BodySize::Stream => true,
    };
    large
        && response.status() == StatusCode::OK
        && !headers.contains_key(CONTENT_ENCODING)
        && !text(CACHE_CONTROL).contains("no-transform")
        && is_text(text(CONTENT_TYPE))
}

/// Of what there is in an API; a stream of events must not wait for more.
fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    json || kind == "application/javascript" || (kind.starts_with("text/") && kind != "text/event-stream")
}

fn chosen(request: &HttpRequest) -> Option<ContentEncoding> {
    let known: Vec<Encoding> =
        CODINGS.into_iter().map(Encoding::Known).chain([Encoding::identity()]).collect();
    match AcceptEncoding::parse(request).ok()?.negotiate(known.iter())? {
        Encoding::Known(ContentEncoding::Identity) | Encoding::Unknown(_) => None,
        Encoding::Known(coding) => Some(coding),
    }
}

/// `"v1"` of the service becomes `"v1~gzip"`.
fn mark(headers: &mut HeaderMap, coding: ContentEncoding) {
    let tagged = headers.get(ETAG).and_then(|tag| tagged(tag, coding));
    if let Some(tagged) = tagged {
        headers.insert(ETAG, tagged);
    }
}

fn tagged(tag: &HeaderValue, coding: ContentEncoding) -> Option<HeaderValue> {
    let opened = tag.to_str().ok()?.strip_suffix('"')?;
    HeaderValue::from_str(&format!("{opened}{}", suffix(coding))).ok()
}

fn suffix(coding: ContentEncoding) -> String {
    format!("~{}\"", coding.as_str())
}

/// What has not changed is what the client has, by the name that the client has for it.
fn with_the_clients_tag(request: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    let shown = request.headers().get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let shown = shown.collect::<Vec<_>>().join(",");
    let of_service = response.headers().get(ETAG).cloned();
    let mut theirs = CODINGS.iter().filter_map(|coding| tagged(of_service.as_ref()?, *coding));
    let theirs = theirs.find(|tag| tag.to_str().is_ok_and(|tag| shown.contains(tag)));
    if let Some(tag) = theirs {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn vary(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn answered(accepts: &str, kind: &str, length: usize) -> HttpResponse {
        let request = TestRequest::get().insert_header(("accept-encoding", accepts)).to_http_request();
        let mut answer = HttpResponse::Ok();
        answer.insert_header((ETAG, "\"v1\"")).content_type(kind.to_owned());
        encoded(&request, answer.body("x".repeat(length)))
    }

    fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn what_is_worth_it_is_compressed_as_the_client_can_read_it() {
        for (accepts, kind, length, wanted) in [
            ("gzip", "application/json", 2000, "gzip"),
            ("gzip, zstd", "application/problem+json", 2000, "zstd"),
            ("gzip;q=1, zstd;q=0.1", "text/html; charset=utf-8", 2000, "gzip"),
            ("br", "application/json", 2000, ""),
            ("gzip;q=0, identity", "application/json", 2000, ""),
            ("gzip", "application/json", 100, ""),
            ("gzip", "image/png", 2000, ""),
            ("gzip", "text/event-stream", 2000, ""),
        ] {
            let response = answered(accepts, kind, length);
            assert_eq!(header(&response, "content-encoding"), wanted, "{accepts} {kind} {length}");
            let tag = if wanted.is_empty() { "\"v1\"".to_owned() } else { format!("\"v1~{wanted}\"") };
            assert_eq!(header(&response, "etag"), tag);
            let varies = is_text(kind) && length >= 1024;
            assert_eq!(header(&response, "vary") == "accept-encoding", varies, "{accepts} {kind} {length}");
        }
    }

    #[test]
    fn a_tag_finds_its_way_back() {
        assert_eq!(without_codings("\"v1~gzip\", W/\"v2~zstd\", \"v3\", *"), "\"v1\", W/\"v2\", \"v3\", *");
        let request = TestRequest::get().insert_header(("if-none-match", "\"v1~gzip\"")).to_http_request();
        let same = HttpResponse::NotModified().insert_header((ETAG, "\"v1\"")).finish();
        assert_eq!(header(&encoded(&request, same), "etag"), "\"v1~gzip\"");
    }

    #[test]
    fn what_makes_tokens_is_never_compressed() {
        let request = TestRequest::post().insert_header(("accept-encoding", "gzip")).to_http_request();
        let answer = HttpResponse::Ok().content_type("application/json").body("x".repeat(2000));
        assert_eq!(header(&encoded(&request, answer), "content-encoding"), "");
    }
}
