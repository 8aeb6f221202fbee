//! Tokens: header, claims and signature as anybody may write them.
//!
//! What our key has not signed is refused, whatever it says of itself; what it has signed
//! is taken only with the one header and the claims of an access token.

#![no_main]

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use data_encoding::BASE64URL_NOPAD;
use futures_util::FutureExt;
use identity::{Claims, Feed, KeySet, KeySource, Refusal, Revocations, SigningKey, Trusted, Verifier};
use ids::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::Value;

const SEED: [u8; 32] = [7; 32];
const ISSUER: &str = "https://api.example.com";
const AUDIENCE: &str = "plinth";
const GOOD_CLAIMS: &str = r#"{"iss":"https://api.example.com","sub":"usr_01h455vb4pex5vsknk084sn02q",
    "aud":"plinth","exp":4102444800,"iat":1700000000,"jti":"1"}"#;

static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&SEED).expect("a key"));
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed(&SEED).expect("a key"));
static VERIFIER: LazyLock<Verifier> = LazyLock::new(verifier);
static GOOD: LazyLock<String> = LazyLock::new(good);

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        is_refused(text);
    }
    if let [place, byte, ..] = data {
        change_one_byte(usize::from(*place) << 2 | usize::from(*byte & 3), *byte);
    }
    // The first line is the header, all else the claims.
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, claims) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let message = format!("{}.{}", BASE64URL_NOPAD.encode(header), BASE64URL_NOPAD.encode(claims));
    is_refused(&message);
    is_refused(&format!("{message}."));
    for secret in [PAIR.public_key().as_ref(), KEY.kid().as_bytes(), &SEED] {
        let sum = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        is_refused(&format!("{message}.{}", BASE64URL_NOPAD.encode(sum.as_ref())));
    }
    let signature = BASE64URL_NOPAD.encode(PAIR.sign(message.as_bytes()).as_ref());
    if let Ok(taken) = verify(&format!("{message}.{signature}")) {
        is_ours(header);
        says(claims, &taken);
    }
});

fn verifier() -> Verifier {
    let keys = Arc::<KeySet>::default();
    keys.replace(&JwkSet { keys: vec![KEY.public_jwk()] });
    let trusted = Trusted {
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        keys: KeySource::Held(keys),
    };
    let revocations = Revocations::default();
    revocations.take(Feed::default());
    Verifier::new(vec![trusted], revocations).remembering()
}

fn good() -> String {
    let claims = serde_json::from_str(GOOD_CLAIMS).expect("claims");
    KEY.sign(&claims).expect("a token")
}

/// Waits for nothing: its keys are held.
fn verify(token: &str) -> Result<Arc<Claims>, Refusal> {
    VERIFIER.verify(token).now_or_never().expect("an answer at once")
}

fn is_refused(token: &str) {
    assert!(token == *GOOD || verify(token).is_err(), "nobody signed {token}");
}

/// No part of a good token can be other than it is.
fn change_one_byte(place: usize, byte: u8) {
    assert!(verify(&GOOD).is_ok(), "the token that is changed was good");
    let mut changed = GOOD.clone().into_bytes();
    let place = place % changed.len();
    changed[place] = byte;
    if let Ok(changed) = String::from_utf8(changed) {
        is_refused(&changed);
    }
}

/// A header as a plain reader of JSON finds it. What is ignored need not be sound.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    #[serde(default)]
    crit: Value,
}

fn is_ours(header: &[u8]) {
    let header: Header = serde_json::from_slice(header).expect("a header");
    assert_eq!((header.alg.as_str(), header.typ.to_ascii_lowercase().as_str()), ("EdDSA", "at+jwt"));
    assert_eq!((header.kid.as_str(), header.crit), (KEY.kid(), Value::Null));
}

/// Claims, in the same way.
#[derive(Deserialize)]
struct Said {
    iss: String,
    aud: String,
    sub: String,
    jti: String,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nbf: Value,
    #[serde(default)]
    org: Value,
    #[serde(default)]
    scope: String,
}

/// They are those that were taken, and may be.
fn says(claims: &[u8], taken: &Claims) {
    let said: Said = serde_json::from_slice(claims).expect("claims");
    assert_eq!((said.iss.as_str(), said.aud.as_str()), (ISSUER, AUDIENCE));
    assert_eq!((&said.sub, &said.jti, said.exp), (&taken.sub, &taken.jti, taken.exp));
    assert_eq!(said.org.as_str(), taken.org.map(|org| org.to_string()).as_deref());
    let scopes: BTreeSet<&str> = said.scope.split_ascii_whitespace().collect();
    assert!(taken.scope.iter().eq(scopes), "{}", taken.scope);
    let now = Timestamp::now().unix_seconds();
    assert!(said.exp >= now - 6, "it is over");
    assert!(said.iat <= now + 5, "it was not made yet");
    assert!(said.nbf.as_f64().is_none_or(|begin| begin <= 1e10), "it holds in some centuries");
}
