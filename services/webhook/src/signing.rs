//! How messages are signed: [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md),
//! symmetric.

use std::fmt;

use aws_lc_rs::{hmac, rand};
use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretSlice};

use crate::endpoint::EndpointError;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// How many bytes a secret has.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// How many of ours have.
const LENGTH: usize = 32;

/// A key to sign with.
#[derive(Clone, Debug)]
pub(crate) struct SigningSecret(SecretSlice<u8>);

/// A text that is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotASecret;

impl fmt::Display for NotASecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`whsec_` and 24 to 64 bytes in Base64 are wanted")
    }
}

impl SigningSecret {
    /// A new one, unless the system has no randomness.
    pub(crate) fn generate() -> Result<Self, EndpointError> {
        let mut bytes = vec![0; LENGTH];
        rand::fill(&mut bytes).map_err(|_why| EndpointError::NoRandomness)?;
        Ok(Self(bytes.into()))
    }

    /// Reads one: `whsec_…`.
    pub(crate) fn parse(text: &str) -> Result<Self, NotASecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(NotASecret)?;
        Self::of(BASE64.decode(encoded.as_bytes()).map_err(|_why| NotASecret)?)
    }

    /// The same of its bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Result<Self, NotASecret> {
        if LENGTHS.contains(&bytes.len()) { Ok(Self(bytes.into())) } else { Err(NotASecret) }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// `whsec_…`, for whom it belongs to.
    pub(crate) fn shown(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(self.bytes()))
    }
}

/// The header `webhook-signature`: one signature for each secret, of exactly these bytes.
pub(crate) fn sign<'a>(
    secrets: impl IntoIterator<Item = &'a SigningSecret>,
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> String {
    let signed = |secret: &SigningSecret| {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.bytes()));
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", BASE64.encode(context.sign().as_ref()))
    };
    secrets.into_iter().map(signed).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use standardwebhooks::Webhook;

    fn headers(id: &str, timestamp: i64, signature: &str) -> reqwest::header::HeaderMap {
        let pairs = [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature.to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_secret_is_what_the_libraries_take() {
        for (text, is_one) in [
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
            ("whsec_", false),
            ("whsec_c2hvcnQ=", false),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", false),
            ("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        ] {
            assert_eq!(SigningSecret::parse(text).is_ok(), is_one, "{text}");
        }
        let long = format!("whsec_{}", BASE64.encode(&[7; 65]));
        assert!(SigningSecret::parse(&long).is_err());
        let new = SigningSecret::generate().unwrap();
        assert_eq!(SigningSecret::parse(&new.shown()).unwrap().bytes(), new.bytes());
        assert!(!format!("{new:?}").contains(&BASE64.encode(new.bytes())));
    }

    #[test]
    fn while_a_secret_retires_the_old_and_the_new_one_verify() {
        let (old, new) = (SigningSecret::generate().unwrap(), SigningSecret::generate().unwrap());
        let other = SigningSecret::generate().unwrap();
        let now = ids::Timestamp::now().unix_seconds();
        let signature = sign([&new, &old], "msg_1", now, b"{}");
        let verifies = |secret: &SigningSecret, body: &[u8]| {
            let webhook = Webhook::new(&secret.shown()).unwrap();
            webhook.verify(body, &headers("msg_1", now, &signature)).is_ok()
        };
        assert_eq!([&old, &new, &other].map(|secret| verifies(secret, b"{}")), [true, true, false]);
        assert!(!verifies(&new, b"{ }"));
    }

    proptest! {
        /// The official library verifies what we sign, and we sign as it does. It takes text alone.
        #[test]
        fn a_signature_is_that_of_the_official_library(
            key in prop::collection::vec(any::<u8>(), LENGTHS),
            body in prop::collection::vec(any::<char>(), 0..100),
        ) {
            let (secret, body) = (SigningSecret::of(key).unwrap(), String::from_iter(body).into_bytes());
            let now = ids::Timestamp::now().unix_seconds();
            let signature = sign([&secret], "msg_1", now, &body);
            let webhook = Webhook::new(&secret.shown()).unwrap();
            prop_assert!(webhook.verify(&body, &headers("msg_1", now, &signature)).is_ok());
            prop_assert_eq!(webhook.sign("msg_1", now, &body).unwrap(), signature);
        }
    }
}
