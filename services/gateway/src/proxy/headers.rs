//! Which headers pass. Towards a service only those that are listed here, so that
//! no spelling of an identity header gets through; towards the client all but the
//! listed, since our own services write them.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::{self as actix, HeaderMap as ActixHeaders};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, InvalidHeaderValue, ORIGIN, RANGE, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, SERVER, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE, USER_AGENT,
};
use ipnet::IpNet;

use super::coding::without_codings;

/// What a client may tell any service.
static PASSED: [HeaderName; 17] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CONTENT_ENCODING,
    CONTENT_TYPE,
    HeaderName::from_static("flags-environment"),
    HeaderName::from_static("idempotency-key"),
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    HeaderName::from_static("last-event-id"),
    ORIGIN,
    HeaderName::from_static("prefer"),
    RANGE,
    USER_AGENT,
];

/// What a sender of webhooks may tell besides, on the paths of [`HOOKS`].
static PASSED_TO_HOOKS: [HeaderName; 15] = [
    HeaderName::from_static("linear-signature"),
    HeaderName::from_static("stripe-signature"),
    HeaderName::from_static("webhook-id"),
    HeaderName::from_static("webhook-signature"),
    HeaderName::from_static("webhook-timestamp"),
    HeaderName::from_static("x-gitea-signature"),
    HeaderName::from_static("x-github-delivery"),
    HeaderName::from_static("x-github-event"),
    HeaderName::from_static("x-hub-signature-256"),
    HeaderName::from_static("x-shopify-hmac-sha256"),
    HeaderName::from_static("x-signature"),
    HeaderName::from_static("x-signature-256"),
    HeaderName::from_static("x-slack-request-timestamp"),
    HeaderName::from_static("x-slack-signature"),
    HeaderName::from_static("x-webhook-signature"),
];

/// Below which senders of webhooks post.
pub(crate) const HOOKS: [&str; 2] = ["/api/v1/hooks/", "/api/v1/payments/webhooks/"];

/// What opens a WebSocket (RFC 6455 section 4.1).
static PASSED_TO_OPEN_WEBSOCKETS: [HeaderName; 4] =
    [SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION];

/// Our own names for what we tell.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What a service says to us alone: of its connection (RFC 9110 section 7.6.1) and
/// its making, and what the gateway says itself. Lengths follow from the body.
static KEPT: [HeaderName; 13] = [
    CONNECTION,
    CONTENT_LENGTH,
    SERVER,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("x-powered-by"),
    HeaderName::from_static("x-request-id"),
];

/// Only the gateway decides which pages may call it.
const CORS_PREFIX: &str = "access-control-";

/// What the gateway itself tells a service about a request.
#[derive(Debug)]
pub(crate) struct Ours<'a> {
    /// In whose name.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) forwarded_for: &'a str,
    pub(crate) scheme: HeaderValue,
    pub(crate) host: HeaderValue,
}

/// The headers of a request for a service.
///
/// # Errors
/// When one of ours cannot be written.
pub(crate) fn to_service(
    client: &ActixHeaders,
    path: &str,
    opens_websocket: bool,
    ours: Ours<'_>,
) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut headers = HeaderMap::with_capacity(12);
    let hooks = if HOOKS.iter().any(|prefix| path.starts_with(prefix)) { &PASSED_TO_HOOKS[..] } else { &[] };
    let websocket = if opens_websocket { &PASSED_TO_OPEN_WEBSOCKETS[..] } else { &[] };
    let listed = |name: &str| {
        let mut all = PASSED.iter().chain(hooks).chain(websocket);
        all.find(|listed| listed.as_str() == name)
    };
    for (name, value) in client {
        if let Some(name) = listed(name.as_str()) {
            headers.append(name, passed(name, value)?);
        }
    }
    if opens_websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let written = |text: Option<&str>| text.map(HeaderValue::from_str).transpose();
    let said = [
        (AUTHORIZATION, ours.authorization),
        (REQUEST_ID, written(ours.request_id)?),
        (TRACEPARENT, written(ours.traceparent)?),
        (FORWARDED_FOR, written(Some(ours.forwarded_for))?),
        (FORWARDED_PROTO, Some(ours.scheme)),
        (FORWARDED_HOST, Some(ours.host)),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// A value as the service is to see it.
fn passed(name: &HeaderName, value: &actix::HeaderValue) -> Result<HeaderValue, InvalidHeaderValue> {
    match value.to_str() {
        Ok(tags) if *name == IF_MATCH || *name == IF_NONE_MATCH => {
            HeaderValue::from_str(&without_codings(tags))
        }
        _ => HeaderValue::from_bytes(value.as_bytes()),
    }
}

/// The headers of a service's answer that its client may see; `Set-Cookie` of a service
/// that sets cookies alone.
pub(crate) fn to_client(service: &HeaderMap, sets_cookies: bool) -> ActixHeaders {
    let named = service.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> =
        named.flat_map(|value| value.split(',')).map(|name| name.trim().to_lowercase()).collect();
    let mut headers = ActixHeaders::with_capacity(service.len());
    for (name, value) in service {
        let text = name.as_str();
        let is_kept =
            KEPT.contains(name) || text.starts_with(CORS_PREFIX) || (name == SET_COOKIE && !sets_cookies);
        if is_kept || named.iter().any(|kept| kept == text) {
            continue;
        }
        let name = actix::HeaderName::from_bytes(text.as_bytes());
        let value = actix::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// `X-Forwarded-For`: the peer, and before it whom each trusted proxy has seen, up to the first
/// that is none: the client. What stands left of that, a proxy has taken over from the client,
/// who may write there what it likes; and left of something unreadable nothing is believed.
pub(crate) fn forwarded_for(client: &ActixHeaders, peer: Option<IpAddr>, trusted: &[IpNet]) -> String {
    let Some(peer) = peer else { return "unknown".to_owned() };
    if !is_trusted(peer, trusted) {
        return peer.to_string();
    }
    let chain = chain(client, peer, trusted);
    chain.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}

/// The client's own address, as far as it is known: the first of [`forwarded_for`].
pub(crate) fn client_address(client: &ActixHeaders, peer: Option<IpAddr>, trusted: &[IpNet]) -> IpAddr {
    match peer {
        Some(peer) if is_trusted(peer, trusted) => {
            chain(client, peer, trusted).first().copied().unwrap_or(peer)
        }
        Some(peer) => peer,
        None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}

/// Whether it is one of these proxies.
pub(super) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

fn chain(client: &ActixHeaders, peer: IpAddr, trusted: &[IpNet]) -> Vec<IpAddr> {
    let said = client.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let said = said.collect::<Vec<_>>().join(",");
    let mut said = said.rsplit(',').map_while(|address| address.trim().parse::<IpAddr>().ok());
    let (mut chain, mut seen) = (vec![peer], peer);
    while is_trusted(seen, trusted) {
        let Some(before) = said.next() else { break };
        chain.push(before);
        seen = before;
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(authorization: Option<HeaderValue>) -> Ours<'static> {
        Ours {
            authorization,
            request_id: Some("req_1"),
            traceparent: None,
            forwarded_for: "192.0.2.7",
            scheme: HeaderValue::from_static("https"),
            host: HeaderValue::from_static("api.example.com"),
        }
    }

    fn inward() -> Ours<'static> {
        ours(Some(HeaderValue::from_static("Bearer inward")))
    }

    fn client(pairs: &[(&str, &str)]) -> ActixHeaders {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = actix::HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, actix::HeaderValue::from_str(value).unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn only_what_is_listed_passes() {
        let given = client(&[
            ("Accept", "*/*"),
            ("X-User-Id", "1"),
            ("x_user_id", "1"),
            ("Authorization", "Bearer outer"),
            ("X-Forwarded-For", "6.6.6.6"),
            ("Forwarded", "for=6.6.6.6"),
            ("Cookie", "a=b"),
            ("Stripe-Signature", "t=1"),
            ("Sec-WebSocket-Key", "x"),
            ("Connection", "x-forwarded-for, authorization"),
            ("Proxy-Authorization", "Basic YTpi"),
        ]);
        let passed = to_service(&given, "/api/v1/prefs", false, inward()).unwrap();
        let mut names: Vec<&str> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let wanted = [
            "accept",
            "authorization",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-request-id",
        ];
        assert_eq!(names, wanted);
        assert_eq!(
            (&passed["authorization"], &passed["x-forwarded-for"]),
            (&"Bearer inward".parse().unwrap(), &"192.0.2.7".parse().unwrap())
        );
        let hook = to_service(&given, "/api/v1/payments/webhooks/stripe", false, inward()).unwrap();
        assert!(hook.contains_key("stripe-signature"));
    }

    #[test]
    fn nobodys_request_carries_no_authorization() {
        let given = client(&[("Authorization", "Bearer outer")]);
        let passed = to_service(&given, "/", false, ours(None)).unwrap();
        assert!(!passed.contains_key("authorization"));
    }

    #[test]
    fn what_a_connection_names_stays_here() {
        let mut said = HeaderMap::new();
        for (name, value) in [
            ("etag", "\"1\""),
            ("connection", "x-debug"),
            ("x-debug", "1"),
            ("server", "s"),
            ("access-control-allow-origin", "*"),
            ("content-length", "3"),
            ("set-cookie", "a=1"),
        ] {
            said.insert(name, HeaderValue::from_static(value));
        }
        let names: Vec<String> = to_client(&said, false).keys().map(ToString::to_string).collect();
        assert_eq!(names, ["etag"]);
        assert!(to_client(&said, true).contains_key("set-cookie"));
    }

    #[test]
    fn a_forwarded_address_is_believed_from_trusted_proxies_only() {
        let peer = Some([10, 0, 0, 1].into());
        let given =
            client(&[("X-Forwarded-For", "1.1.1.1, nonsense, 2.2.2.2"), ("X-Forwarded-For", "3.3.3.3")]);
        assert_eq!(forwarded_for(&given, peer, &[]), "10.0.0.1");
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(forwarded_for(&given, peer, &trusted), "3.3.3.3, 10.0.0.1");
        assert_eq!(forwarded_for(&given, Some([11, 0, 0, 1].into()), &trusted), "11.0.0.1");
    }

    /// Or every login would come from another address, and no limit would be met.
    #[test]
    fn what_a_client_sends_along_is_not_believed_behind_proxies_either() {
        let (peer, trusted) = (Some([10, 0, 0, 1].into()), ["10.0.0.0/8".parse().unwrap()]);
        for (said, wanted) in [
            ("6.6.6.6, 203.0.113.9", "203.0.113.9, 10.0.0.1"),
            ("10.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9, 10.0.0.2, 10.0.0.1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3, 10.0.0.2, 10.0.0.1"),
            ("nonsense, 10.0.0.2", "10.0.0.2, 10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(forwarded_for(&client(&[("X-Forwarded-For", said)]), peer, &trusted), wanted);
        }
    }
}
