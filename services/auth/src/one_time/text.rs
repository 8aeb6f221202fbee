use contract_auth::Secret;
use data_encoding::BASE64URL_NOPAD;
use ids::OneTimeTokenId;
use sealing::{Keyring, SealError, TAG_LENGTH};
use uuid::Uuid;

use super::{OneTimeError, Purpose};

const PREFIX: &str = "plt_";
const ID: usize = 16;

/// The text of a one-time token: `plt_` and, in base64url, its id and a tag over id and
/// purpose. The same token always has the same text.
pub(crate) fn text(keyring: &Keyring, purpose: Purpose, id: OneTimeTokenId) -> Result<Secret, SealError> {
    let body = id.uuid().into_bytes();
    let tag = keyring.tag(&domain(purpose), &body)?;
    let text = BASE64URL_NOPAD.encode(&[&body[..], &tag].concat());
    Ok(Secret::from(format!("{PREFIX}{text}")))
}

/// Which token a text is, if auth made it for this purpose: without a look at the
/// database. Whether it still works, [`super::store::take`] tells.
pub(crate) fn open(keyring: &Keyring, purpose: Purpose, text: &str) -> Result<OneTimeTokenId, OneTimeError> {
    let bytes = text.strip_prefix(PREFIX).and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
    let bytes = bytes.filter(|bytes| bytes.len() == ID + TAG_LENGTH).ok_or(OneTimeError::Invalid)?;
    let (body, tag) = bytes.split_first_chunk::<ID>().ok_or(OneTimeError::Invalid)?;
    if keyring.verify_tag(&domain(purpose), body, tag)? {
        Ok(OneTimeTokenId::from_uuid(Uuid::from_bytes(*body)))
    } else {
        Err(OneTimeError::Invalid)
    }
}

fn domain(purpose: Purpose) -> String {
    format!("plinth/one-time/{}/v1", purpose.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keyring() -> Keyring {
        Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap()
    }

    #[test]
    fn it_opens_for_its_own_purpose_alone() {
        let id = OneTimeTokenId::generate();
        for made_for in Purpose::ALL {
            let text = text(&keyring(), made_for, id).unwrap();
            for shown_as in Purpose::ALL {
                let opened = open(&keyring(), shown_as, text.expose());
                assert_eq!(opened.ok(), (made_for == shown_as).then_some(id));
            }
        }
    }

    proptest! {
        #[test]
        fn one_changed_character_is_seen(at: prop::sample::Index, other in "[A-Za-z0-9_-]") {
            let text = text(&keyring(), Purpose::MagicLink, OneTimeTokenId::generate()).unwrap();
            let at = at.index(text.expose().len());
            let mut changed = text.expose().to_owned();
            changed.replace_range(at..=at, &other);
            let opened = open(&keyring(), Purpose::MagicLink, &changed);
            prop_assert_eq!(opened.is_ok(), changed == text.expose());
        }

        #[test]
        fn no_text_makes_it_panic(text in "(plt_)?\\PC{0,120}") {
            prop_assert!(open(&keyring(), Purpose::MagicLink, &text).is_err());
        }
    }
}
