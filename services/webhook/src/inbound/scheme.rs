//! How providers sign what they send: over the bytes as they came, compared in constant time.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use contract_webhook::{Encoding, HmacOptions, Scheme};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use ids::Timestamp;

/// How far a signature's time may lie from ours, seconds, to both sides.
const TOLERANCE: u64 = 300;

/// Why it is not shown that the provider sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unverified {
    #[error("the header that signs it is missing, or is not as this source's scheme wants it")]
    Unsigned,
    #[error("the time that is signed is more than {TOLERANCE} seconds from now")]
    Late,
    #[error("no signature fits the body and the source's secret")]
    Wrong,
}

impl Unverified {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Unsigned => "signature_missing",
            Self::Late => "signature_expired",
            Self::Wrong => "signature_invalid",
        }
    }
}

/// What was posted, as it came.
#[derive(Clone, Copy)]
pub(super) struct Posted<'a> {
    /// The value of a header; none too, if it is no text.
    pub(super) header: &'a dyn Fn(&str) -> Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// What a provider claims: signatures, any of which may fit, over these bytes one after the other.
struct Claim<'a> {
    signed: Vec<&'a [u8]>,
    signatures: Vec<Vec<u8>>,
    at: Option<i64>,
}

/// Verifies what was posted by any of these keys.
pub(super) fn verify(
    scheme: Scheme,
    hmac: Option<&HmacOptions>,
    keys: &[Vec<u8>],
    posted: Posted<'_>,
    now: Timestamp,
) -> Result<(), Unverified> {
    let claim = claim(scheme, hmac, posted).ok_or(Unverified::Unsigned)?;
    if claim.signatures.is_empty() {
        return Err(Unverified::Unsigned);
    }
    if claim.at.is_some_and(|at| at.abs_diff(now.unix_seconds()) > TOLERANCE) {
        return Err(Unverified::Late);
    }
    let fits = |key: &Vec<u8>| {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
        claim.signed.iter().for_each(|part| context.update(part));
        let tag = context.sign();
        claim.signatures.iter().any(|one| verify_slices_are_equal(one, tag.as_ref()).is_ok())
    };
    if keys.iter().any(fits) { Ok(()) } else { Err(Unverified::Wrong) }
}

fn claim<'a>(scheme: Scheme, hmac: Option<&HmacOptions>, posted: Posted<'a>) -> Option<Claim<'a>> {
    let Posted { header, body } = posted;
    match scheme {
        Scheme::Hmac => {
            let options = hmac?;
            let text = header(&options.header)?.strip_prefix(&*options.prefix)?;
            let signatures = vec![decoded(options.encoding, text)?];
            Some(Claim { signed: vec![body], signatures, at: None })
        }
        Scheme::Github => {
            let signatures = vec![hex(header("x-hub-signature-256")?.strip_prefix("sha256=")?)?];
            Some(Claim { signed: vec![body], signatures, at: None })
        }
        Scheme::Stripe => {
            let parts = header("stripe-signature")?.split(',').filter_map(|part| part.trim().split_once('='));
            let parts: Vec<_> = parts.collect();
            let (_, at) = parts.iter().find(|(name, _)| *name == "t")?;
            let signatures = parts.iter().filter(|(name, _)| *name == "v1").filter_map(|(_, text)| hex(text));
            let signed = vec![at.as_bytes(), b".", body];
            Some(Claim { signed, signatures: signatures.collect(), at: Some(at.parse().ok()?) })
        }
        Scheme::Slack => {
            let at = header("x-slack-request-timestamp")?;
            let signatures = vec![hex(header("x-slack-signature")?.strip_prefix("v0=")?)?];
            let signed = vec![&b"v0:"[..], at.as_bytes(), b":", body];
            Some(Claim { signed, signatures, at: Some(at.parse().ok()?) })
        }
        Scheme::StandardWebhooks => {
            let (id, at) = (header("webhook-id")?, header("webhook-timestamp")?);
            let texts = header("webhook-signature")?.split_ascii_whitespace();
            let signatures =
                texts.filter_map(|text| BASE64.decode(text.strip_prefix("v1,")?.as_bytes()).ok());
            let signed = vec![id.as_bytes(), b".", at.as_bytes(), b".", body];
            Some(Claim { signed, signatures: signatures.collect(), at: Some(at.parse().ok()?) })
        }
    }
}

fn decoded(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => hex(text),
        Encoding::Base64 => BASE64.decode(text.as_bytes()).ok(),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn verified(
        scheme: Scheme,
        key: &[u8],
        headers: &[(&str, &str)],
        body: &str,
        now: i64,
    ) -> Result<(), Unverified> {
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let posted = Posted { header: &header, body: body.as_bytes() };
        let now = Timestamp::from_unix_seconds(now).unwrap();
        verify(scheme, Some(&HmacOptions::default()), &[b"another".to_vec(), key.to_vec()], posted, now)
    }

    /// The example of GitHub's page "Validating webhook deliveries".
    #[test]
    fn githubs_own_example_verifies() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let verified = |body: &str, signature: &str| {
            let headers = [("x-hub-signature-256", signature)];
            verified(Scheme::Github, b"It's a Secret to Everybody", &headers, body, 0)
        };
        assert_eq!(verified("Hello, World!", signature), Ok(()));
        assert_eq!(verified("Hello, World?", signature), Err(Unverified::Wrong));
        assert_eq!(verified("Hello, World!", &signature[..31]), Err(Unverified::Wrong));
        assert_eq!(verified("Hello, World!", "sha1=00"), Err(Unverified::Unsigned));
    }

    /// The example of Slack's page "Verifying requests from Slack".
    #[test]
    fn slacks_own_example_verifies() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                    channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                    response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
                    trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let headers = [
            ("x-slack-request-timestamp", "1531420618"),
            ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ];
        let verified =
            |now| verified(Scheme::Slack, b"8f742231b10e8888abcd99yyyzzz85a5", &headers, body, now);
        assert_eq!([1_531_420_618 - 300, 1_531_420_618 + 300].map(verified), [Ok(()), Ok(())]);
        assert_eq!(verified(1_531_420_618 + 301), Err(Unverified::Late));
        assert_eq!(verified(1_531_420_618 - 301), Err(Unverified::Late));
    }

    #[test]
    fn stripe_may_sign_by_several_and_any_v1_will_do() {
        let tag = |text: &str| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, b"whsec_test");
            HEXLOWER_PERMISSIVE.encode(hmac::sign(&key, text.as_bytes()).as_ref())
        };
        let good = tag("1000.{}");
        let verified = |signature: &str| {
            verified(Scheme::Stripe, b"whsec_test", &[("stripe-signature", signature)], "{}", 1000)
        };
        let other = "00".repeat(32);
        assert_eq!(verified(&format!("t=1000,v1={other},v1={good},v0={other}")), Ok(()));
        assert_eq!(verified(&format!("t=1001,v1={good}")), Err(Unverified::Wrong));
        assert_eq!(verified(&format!("t=1000,v0={good}")), Err(Unverified::Unsigned));
        assert_eq!(verified(&format!("v1={good}")), Err(Unverified::Unsigned));
        assert_eq!(verified("t=1000,v1="), Err(Unverified::Wrong), "an empty one is none");
    }

    proptest! {
        #[test]
        fn no_header_harms_or_verifies(text in "\\PC{0,80}", at in any::<i64>()) {
            for scheme in [Scheme::Hmac, Scheme::Stripe, Scheme::Github, Scheme::Slack, Scheme::StandardWebhooks] {
                let at = at.to_string();
                let headers = [
                    ("x-signature", &*text), ("stripe-signature", &text), ("x-hub-signature-256", &text),
                    ("x-slack-signature", &text), ("x-slack-request-timestamp", &at),
                    ("webhook-id", &text), ("webhook-timestamp", &at), ("webhook-signature", &text),
                ];
                let outcome = verified(scheme, b"key", &headers, "[]", 1000);
                prop_assert!(outcome.is_err());
            }
        }
    }
}
