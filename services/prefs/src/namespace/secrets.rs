//! What looks like a secret, by its key or by itself. Preferences are no place for them:
//! they are read by every page, exported, and kept in a history.

use serde_json::Value;

use super::rules::escape;

/// What a refused key or value is told.
pub(crate) const NO_SECRETS: &str = "preferences are no place for secrets";

/// Words of keys that hold secrets, and what such keys have in them however they are spelt.
const WORDS: [&str; 7] = ["passwd", "passphrase", "secret", "secrets", "token", "credential", "credentials"];
const PARTS: [&str; 5] = ["password", "apikey", "privatekey", "accesskey", "secretkey"];

/// What credentials of well-known systems begin with, ours among them.
const BEGINNINGS: [&str; 23] = [
    "plk_",
    "plt_",
    "plr_",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "whsec_",
    "sk-ant-",
    "sk-proj-",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "npm_",
    "pypi-",
    "AIza",
    "AKIA",
    "ASIA",
];

/// How much follows such a beginning at least.
const LEAST: usize = 12;

/// Whether a key looks as if a secret stood under it.
pub(crate) fn is_secret(key: &str) -> bool {
    let words = words(key);
    let joined = words.concat();
    words.iter().any(|word| WORDS.contains(&word.as_str())) || PARTS.iter().any(|part| joined.contains(part))
}

/// Where the first secret is, if there is one: `key` itself, or below it in `value`.
pub(super) fn found(key: &str, value: &Value, at: &str) -> Option<String> {
    let here = format!("{at}/{}", escape(key));
    match value {
        _ if is_secret(key) => Some(here),
        Value::Object(members) => members.iter().find_map(|(key, value)| found(key, value, &here)),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| found(&index.to_string(), item, &here))
        }
        Value::String(text) => is_credential(text).then_some(here),
        _ => None,
    }
}

/// Where in `value`, which stands at `at`, the first credential is.
pub(crate) fn secret_value(value: &Value, at: &str) -> Option<String> {
    match value {
        Value::String(text) => is_credential(text).then(|| at.to_owned()),
        Value::Object(members) => members.iter().find_map(|(key, value)| found(key, value, at)),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| secret_value(item, &format!("{at}/{index}")))
        }
        _ => None,
    }
}

/// Whether a text looks like a credential: by its beginning, as a private key, as a JWT.
fn is_credential(text: &str) -> bool {
    text.contains("PRIVATE KEY-----")
        || text.split_whitespace().any(|word| begins_as_one(word) || is_jwt(word))
}

fn begins_as_one(word: &str) -> bool {
    let rest = BEGINNINGS.iter().find_map(|beginning| word.strip_prefix(beginning));
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    rest.is_some_and(|rest| rest.len() >= LEAST && rest.bytes().all(known))
}

/// Header, claims and signature, the first two JSON objects (RFC 7515 section 3.1).
fn is_jwt(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3 && parts.iter().take(2).all(|part| part.starts_with("eyJ") && part.len() > 9)
}

/// `apiKey`, `api_key` and `API-KEY` as `api`, `key`.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in key.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && was_lower);
        was_lower = c.is_lowercase() || c.is_numeric();
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_secrets_are_known_by_their_words() {
        for secret in ["password", "API_KEY", "apiKey", "smtp-password", "accessToken", "db.credentials"] {
            assert!(is_secret(secret), "{secret}");
        }
        for plain in [
            "theme",
            "max_tokens",
            "secretary",
            "keyboard",
            "api",
            "key",
            "",
            "_",
            "\u{43a}\u{43b}\u{44e}\u{447}",
        ] {
            assert!(!is_secret(plain), "{plain}");
        }
    }

    #[test]
    fn credentials_are_known_by_their_looks() {
        for secret in [
            "sk_live_0123456789abcdef",
            "plk_live_01h455vb4pex5vsknk084sn02q_abcdef",
            "Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----",
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_0123456789abcdefghij",
        ] {
            assert!(is_credential(secret), "{secret}");
        }
        for plain in [
            "dark",
            "sk_live_",
            "plk_",
            "eyJ.eyJ.x",
            "Europe/Berlin",
            "a.b.c",
            "AKIAx",
            "",
            "npm_config is set",
        ] {
            assert!(!is_credential(plain), "{plain}");
        }
    }
}
