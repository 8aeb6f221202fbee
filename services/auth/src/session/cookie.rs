use std::time::Duration;

use contract_auth::{SESSION_COOKIE, Secret};
use data_encoding::BASE64URL_NOPAD;
use ids::SessionId;
use sealing::{Keyring, SealError, TAG_LENGTH};
use uuid::Uuid;

const PREFIX: &str = "plc_";
const PURPOSE: &str = "plinth/session-cookie/v1";
const ID: usize = 16;

/// The text of a session's cookie: `plc_` and, in base64url, the session's id and a tag
/// that only auth can make. It is stored nowhere and does not rotate, since no script
/// reads it; whether the session lives, its row says.
pub(super) fn text(keyring: &Keyring, session: SessionId) -> Result<Secret, SealError> {
    let body = session.uuid().into_bytes();
    let tag = keyring.tag(PURPOSE, &body)?;
    Ok(Secret::from(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&[&body[..], &tag].concat()))))
}

/// Which session a cookie names, if auth made it: without a look at the database.
pub(crate) fn open(keyring: &Keyring, text: &str) -> Result<Option<SessionId>, SealError> {
    let bytes = text.strip_prefix(PREFIX).and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
    let bytes = bytes.filter(|bytes| bytes.len() == ID + TAG_LENGTH);
    let Some((body, tag)) = bytes.as_deref().and_then(|bytes| bytes.split_first_chunk::<ID>()) else {
        return Ok(None);
    };
    let ours = keyring.verify_tag(PURPOSE, body, tag)?;
    Ok(ours.then(|| SessionId::from_uuid(Uuid::from_bytes(*body))))
}

/// The header that sets the cookie for as long as the session may last.
pub(super) fn set(text: &Secret, lasts: Duration) -> String {
    header(text.expose(), lasts.as_secs())
}

/// The header that makes a browser forget it.
pub(super) fn clear() -> String {
    header("", 0)
}

fn header(value: &str, seconds: u64) -> String {
    format!("{SESSION_COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keyring() -> Keyring {
        Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap()
    }

    #[test]
    fn a_browser_is_told_to_guard_it() {
        let set = set(&Secret::from("plc_x"), Duration::from_secs(60));
        assert_eq!(set, "__Host-plinth=plc_x; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60");
        assert!(clear().ends_with("Max-Age=0"));
    }

    proptest! {
        #[test]
        fn one_changed_character_is_seen(at: prop::sample::Index, other in "[A-Za-z0-9_-]") {
            let id = SessionId::generate();
            let text = text(&keyring(), id).unwrap();
            let at = at.index(text.expose().len());
            let mut changed = text.expose().to_owned();
            changed.replace_range(at..=at, &other);
            let opened = open(&keyring(), &changed).unwrap();
            prop_assert_eq!(opened, (changed == text.expose()).then_some(id));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(plc_)?\\PC{0,120}") {
            prop_assert_eq!(open(&keyring(), &text).unwrap(), None);
        }
    }
}
