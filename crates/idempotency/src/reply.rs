use actix_web::{
    HttpResponse,
    body::{BoxBody, MessageBody},
    http::{
        StatusCode,
        header::{CONTENT_TYPE, ETAG, HeaderName, LOCATION, SET_COOKIE},
    },
};
use serde::{Deserialize, Serialize};

/// The largest body that is kept, bytes. The request of a larger reply acts once all
/// the same, but its repetition gets 409 `idempotency_reply_lost`.
pub const LARGEST: usize = 64 * 1024;

/// The headers that are kept: those of the thing, not of the moment.
const KEPT: [HeaderName; 3] = [CONTENT_TYPE, LOCATION, ETAG];

/// A reply as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Reply {
    /// Reads a response without changing it. `None` is one that cannot be kept: too
    /// large, a stream, no text, or with a cookie, which is a secret.
    pub(crate) fn take(response: HttpResponse) -> (Option<Self>, HttpResponse) {
        let (head, body) = response.into_parts();
        let body = match body.try_into_bytes() {
            Ok(body) => body,
            Err(stream) => return (None, head.set_body(stream)),
        };
        let keepable = body.len() <= LARGEST && !head.headers().contains_key(SET_COOKIE);
        let text = std::str::from_utf8(&body).ok().filter(|_| keepable);
        let header = |name: &HeaderName| {
            let value = head.headers().get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        };
        let reply = text.map(|text| Self {
            status: head.status().as_u16(),
            headers: KEPT.iter().filter_map(header).collect(),
            body: text.to_owned(),
        });
        (reply, head.set_body(BoxBody::new(body)))
    }

    /// The response once more, marked by the header `replayed`.
    pub(crate) fn respond(self, replayed: HeaderName) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        for header in self.headers {
            response.insert_header(header);
        }
        response.insert_header((replayed, "true"));
        if self.body.is_empty() { response.finish() } else { response.body(self.body) }
    }
}
