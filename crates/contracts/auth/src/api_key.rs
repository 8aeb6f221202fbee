use std::{fmt, str::FromStr};

use aws_lc_rs::{digest, rand};
use data_encoding::{BASE32_NOPAD_NOCASE, HEXLOWER};
use ids::{ApiKeyId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Secret, account::present};

/// Asks for an API key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for; 1 to 100 characters.
    #[schema(example = "nightly import", min_length = 1, max_length = 100)]
    pub name: String,
    /// What it may do: a part of what the caller may do.
    #[schema(example = json!(["prefs:read"]), min_items = 1)]
    pub scopes: Vec<String>,
    /// When it ends; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The most requests a minute that it may make, 1 to 100,000; no limit of its own, if
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 600, minimum = 1, maximum = 100_000)]
    pub rate_limit: Option<u32>,
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// Which.
    pub id: ApiKeyId,
    /// What it is for.
    #[schema(example = "nightly import")]
    pub name: String,
    /// The visible beginning of the key, to tell it from others.
    #[schema(example = "plk_live_01h455vb4pex5vsknk084sn02q")]
    pub prefix: String,
    /// What it may do.
    #[schema(example = json!(["prefs:read"]))]
    pub scopes: Vec<String>,
    /// When it ends, if ever.
    pub expires_at: Option<Timestamp>,
    /// The most requests a minute that it may make, if it has a limit of its own.
    #[schema(example = 600)]
    pub rate_limit: Option<u32>,
    /// When it was last used; may lag by some minutes.
    pub last_used_at: Option<Timestamp>,
    /// When it last got another secret.
    pub rotated_at: Option<Timestamp>,
    /// Until when the secret before that opens as well, if it does.
    pub old_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A new API key with its secret, which is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewApiKeyText {
    /// The key to send as `Authorization: Bearer` or `X-API-Key`.
    #[schema(value_type = String, example = "plk_live_01h455vb4pex5vsknk084sn02q_…")]
    pub key: Secret,
    /// What the lists will show of it.
    #[serde(flatten)]
    pub shown: ApiKey,
}

/// Changes an API key: what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyChange {
    /// What it is for; 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "weekly import")]
    pub name: Option<String>,
    /// When it ends; `null` for never.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Timestamp>)]
    pub expires_at: Option<Option<Timestamp>>,
    /// The most requests a minute, 1 to 100,000; `null` for no limit of its own.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, example = 600, minimum = 1, maximum = 100_000)]
    pub rate_limit: Option<Option<u32>>,
}

/// Gives an API key another secret.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRotation {
    /// For how long the secret until now opens as well, seconds: 0 (the default) to
    /// 604,800, which is seven days.
    #[serde(default)]
    #[schema(example = 3600, minimum = 0, maximum = 604_800)]
    pub overlap_seconds: u32,
}

/// A page of API keys, the latest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyList {
    /// The keys.
    pub data: Vec<ApiKey>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

/// The text of an API key: `plk_<env>_<id>_<secret><crc32>`.
///
/// The check sum tells a mistyped key without asking anybody. The secret has 160
/// bits, so a plain SHA-256 of it is as good as a password hash.
#[derive(Clone)]
pub struct ApiKeyText {
    id: ApiKeyId,
    environment: String,
    secret: String,
}

/// A text that is no API key; it never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no API key")]
pub struct NotAnApiKey;

const PREFIX: &str = "plk_";
const SECRET_BYTES: usize = 20;
const SECRET_CHARS: usize = 32;
const CHECK_CHARS: usize = 8;

impl ApiKeyText {
    /// A new key with a fresh secret. `environment` is `live` or `dev`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate(id: ApiKeyId, environment: &str) -> Result<Self, NotAnApiKey> {
        let mut secret = [0; SECRET_BYTES];
        rand::fill(&mut secret).map_err(|_opaque| NotAnApiKey)?;
        let secret = BASE32_NOPAD_NOCASE.encode(&secret).to_lowercase();
        Ok(Self { id, environment: environment.to_owned(), secret })
    }

    /// Whether a credential says that it is an API key, well-formed or not.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Which key it is.
    #[must_use]
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    /// What auth keeps of the secret: its SHA-256.
    #[must_use]
    pub fn secret_hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.secret.as_bytes()).as_ref().to_vec()
    }

    /// The part that may be shown: everything before the secret.
    #[must_use]
    pub fn shown(&self) -> String {
        let id = self.id.to_string();
        let suffix = id.split('_').nth(1).unwrap_or_default();
        format!("{PREFIX}{}_{suffix}", self.environment)
    }

    /// The whole key.
    #[must_use]
    pub fn expose(&self) -> Secret {
        let body = format!("{}_{}", self.shown(), self.secret);
        let check = check(&body);
        Secret::from(body + &check)
    }
}

impl FromStr for ApiKeyText {
    type Err = NotAnApiKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (body, given) = text
            .len()
            .checked_sub(CHECK_CHARS)
            .and_then(|at| text.split_at_checked(at))
            .ok_or(NotAnApiKey)?;
        let mut parts = body.strip_prefix(PREFIX).ok_or(NotAnApiKey)?.split('_');
        let (environment, id, secret) = (parts.next(), parts.next(), parts.next());
        let (Some(environment), Some(id), Some(secret), None) = (environment, id, secret, parts.next())
        else {
            return Err(NotAnApiKey);
        };
        let named =
            (1..=8).contains(&environment.len()) && environment.bytes().all(|b| b.is_ascii_lowercase());
        let lower = secret.len() == SECRET_CHARS
            && secret.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
        if !named || !lower || given != check(body) {
            return Err(NotAnApiKey);
        }
        let id = format!("key_{id}").parse().map_err(|_why| NotAnApiKey)?;
        Ok(Self { id, environment: environment.to_owned(), secret: secret.to_owned() })
    }
}

impl fmt::Debug for ApiKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_…", self.shown())
    }
}

fn check(body: &str) -> String {
    HEXLOWER.encode(&crc32fast::hash(body.as_bytes()).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> ApiKeyText {
        ApiKeyText::generate(ApiKeyId::generate(), "live").unwrap()
    }

    #[test]
    fn a_key_reads_back() {
        let key = key();
        let text = key.expose();
        let read: ApiKeyText = text.expose().parse().unwrap();
        assert_eq!((read.id(), read.secret_hash()), (key.id(), key.secret_hash()));
        assert!(text.expose().starts_with(&key.shown()));
        assert!(!format!("{key:?}").contains(&key.secret));
    }

    #[test]
    fn no_two_keys_share_a_secret() {
        assert_ne!(key().secret_hash(), key().secret_hash());
    }

    proptest! {
        #[test]
        fn one_changed_character_is_seen(at: prop::sample::Index, other in "[a-z0-9_]") {
            let text = key().expose();
            let at = at.index(text.expose().len());
            let mut changed = text.expose().to_owned();
            changed.replace_range(at..=at, &other);
            prop_assert_eq!(changed.parse::<ApiKeyText>().is_ok(), changed == text.expose());
        }

        #[test]
        fn no_text_makes_it_panic(text in "(plk_)?\\PC{0,90}") {
            prop_assert!(text.parse::<ApiKeyText>().is_err());
        }
    }
}
