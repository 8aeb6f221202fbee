//! Request targets: what is routed and authorised is what is forwarded, and whoever reads
//! it after the gateway (as a URI, as a URL, percent-decoded once or twice) reads the same.

#![no_main]
#![expect(dead_code, reason = "the gateway's files are here as they are, and not all in them is used")]

#[path = "../../../services/gateway/src/credential/error.rs"]
mod error;
#[path = "../../../services/gateway/src/path/onward.rs"]
mod onward;
#[path = "../../../services/gateway/src/credential/proof.rs"]
mod proof;
#[path = "../../../services/gateway/src/path/rules.rs"]
mod rules;
#[path = "../../../services/gateway/src/path/table.rs"]
mod table;
#[path = "../../../services/gateway/src/credential/ticket.rs"]
mod ticket;

use std::sync::LazyLock;

use hyper::Uri;
use libfuzzer_sys::fuzz_target;
use service_discovery::Service;
use url::Url;

use error::CredentialError;
use onward::onward;
use proof::{Proof, ProofKind};
use rules::canonical;
use table::Table;

const INSTANCES: [&str; 2] = ["http://prefs:3003", "http://[::1]:3003/base"];

/// What paths are made of, three quarters of the time.
const ORDINARY: [&str; 16] = [
    "/",
    "/",
    "a",
    "api",
    "/api/v1/auth",
    "/api/v1/prefs",
    "/ws/",
    "/internal",
    ".",
    "-_~",
    "@x:y=",
    "%20",
    "%C3%A9",
    "%e2%88%95",
    "?",
    "&ticket=plt_a",
];

/// What makes a second reading of them, often.
const ODD: [&str; 16] = [
    "..", "/./", "/../", "//", "%2e", "%2F", "%5c", "\\", ";", "%3b", "%25", "%61", "%00", "%C0%AF", "%", "#",
];

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(&Service::ALL));

fuzz_target!(|data: &[u8]| {
    look_at(data);
    look_at(format!("/{}", data.iter().map(piece).collect::<String>()).as_bytes());
});

fn piece(byte: &u8) -> &'static str {
    let pieces = if *byte < 192 { ORDINARY } else { ODD };
    pieces[usize::from(*byte % 16)]
}

fn look_at(text: &[u8]) {
    if let Ok(text) = std::str::from_utf8(text)
        && let Ok(path) = canonical(text)
    {
        has_one_reading(path);
    }
    // As actix reads the first line of a request.
    if let Ok(uri) = Uri::try_from(text) {
        pass_on(uri.path_and_query().map_or("", |target| target.as_str()));
    }
}

/// From the target of a request to that of the request for an instance, as the proxy does it.
fn pass_on(target: &str) {
    let Ok(path) = canonical(target) else { return };
    assert!(target.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('?')));
    let Ok((ticket, target)) = ticket::taken_out(target) else { return };
    assert!(ticket.is_some() || target.starts_with(path));
    for base in INSTANCES {
        let wanted = format!("{base}{target}");
        let (instance, target) = (Uri::from_static(base), target.as_ref().parse());
        let uri =
            onward(&instance, &target.expect("a target still")).expect("a URI, since the target was of one");
        assert_eq!(uri.to_string(), wanted, "of {path}");
        let below = format!("{}{path}", Url::parse(base).expect("a URL").path().trim_end_matches('/'));
        assert_eq!(uri.path(), below, "what is forwarded is not what was routed");
        let url = Url::parse(&wanted).expect("a URL, since it is a URI");
        assert_eq!(url.path(), below, "as a browser would read it");
        assert_eq!((url.host_str(), url.port()), (uri.host(), Some(3003)), "{wanted}");
    }
}

fn has_one_reading(path: &str) {
    let decoded = decode(path.as_bytes());
    assert_eq!(decode(&decoded), decoded, "decoded twice, {path} is another path");
    assert!(std::str::from_utf8(&decoded).is_ok(), "{path} is no text");
    assert!(!decoded.iter().any(|byte| byte.is_ascii_control() || b"\\;?#%".contains(byte)), "{path}");
    let segments = |path: &[u8]| path.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (sent, read) = (segments(path.as_bytes()), segments(&decoded));
    assert_eq!(sent.len(), read.len(), "{path} has more segments when decoded");
    assert!(!read.iter().any(|segment| segment == b"." || segment == b".."), "{path} leads elsewhere");
    let inner = &read[1..read.len().max(2) - 1];
    assert!(read[0].is_empty() && inner.iter().all(|segment| !segment.is_empty()), "{path}");
    // But for the case of hexadecimal digits there is no other way to write it.
    assert_eq!(encode(&decoded), upper_case_escapes(path), "{path} has two spellings");
    has_one_route(path, &String::from_utf8_lossy(&decoded));
}

/// Who decodes a path finds the same route.
fn has_one_route(path: &str, decoded: &str) {
    let route = TABLE.find(path);
    assert_eq!(TABLE.find(decoded), route, "{path} decoded is of another service");
    assert!(route.is_none() || !decoded.starts_with("/internal"), "{path} is internal");
}

/// As RFC 3986 section 2.1 has it: what is no escape stays.
fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        match after {
            [high, low, after @ ..] if *first == b'%' && digit(high).is_some() && digit(low).is_some() => {
                decoded.push(digit(high).unwrap_or_default() << 4 | digit(low).unwrap_or_default());
                rest = after;
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}

/// `pchar` and slashes as they are (RFC 3986 section 3.3), all else escaped.
fn encode(decoded: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/".contains(&byte);
    let encode = |byte: &u8| if plain(*byte) { char::from(*byte).into() } else { format!("%{byte:02X}") };
    decoded.iter().map(encode).collect()
}

fn upper_case_escapes(path: &str) -> String {
    let mut parts = path.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| format!("{whole}%{}{}", part[..2].to_ascii_uppercase(), &part[2..]))
}
