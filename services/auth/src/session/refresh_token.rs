use contract_auth::Secret;
use data_encoding::BASE64URL_NOPAD;
use ids::{SessionId, Timestamp};
use sealing::{Keyring, SealError, TAG_LENGTH};
use uuid::Uuid;

/// The opaque text of a refresh token: `plr_` and, in base64url, the session's id,
/// its counter, when the counter got there, and a tag that only auth can make.
///
/// The same session state always gives the same text. That is what lets every
/// racing refresh within the grace time get the *one* successor, with one row a
/// session and no token stored anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) session: SessionId,
    pub(crate) counter: i64,
    pub(crate) issued_at: Timestamp,
}

const PREFIX: &str = "plr_";
const PURPOSE: &str = "plinth/refresh/v1";
const BODY: usize = 16 + 8 + 8;

impl RefreshToken {
    pub(crate) fn seal(&self, keyring: &Keyring) -> Result<Secret, SealError> {
        let body = self.body();
        let tag = keyring.tag(PURPOSE, &body)?;
        let text = BASE64URL_NOPAD.encode(&[&body[..], &tag].concat());
        Ok(Secret::from(format!("{PREFIX}{text}")))
    }

    /// Reads what [`RefreshToken::seal`] wrote; anything else is `None`, without a
    /// look at the database.
    pub(crate) fn open(keyring: &Keyring, text: &str) -> Result<Option<Self>, SealError> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
        let Some(bytes) = bytes.filter(|bytes| bytes.len() == BODY + TAG_LENGTH) else { return Ok(None) };
        let (body, tag) = bytes.split_at(BODY);
        if keyring.verify_tag(PURPOSE, body, tag)? { Ok(Self::parse(body)) } else { Ok(None) }
    }

    fn body(&self) -> [u8; BODY] {
        let mut body = [0; BODY];
        body[..16].copy_from_slice(self.session.uuid().as_bytes());
        body[16..24].copy_from_slice(&self.counter.to_be_bytes());
        body[24..].copy_from_slice(&self.issued_at.datetime().timestamp_micros().to_be_bytes());
        body
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let (session, rest) = body.split_first_chunk::<16>()?;
        let (counter, rest) = rest.split_first_chunk::<8>()?;
        let (micros, _) = rest.split_first_chunk::<8>()?;
        Some(Self {
            session: SessionId::from_uuid(Uuid::from_bytes(*session)),
            counter: i64::from_be_bytes(*counter),
            issued_at: Timestamp::from_unix_micros(i64::from_be_bytes(*micros))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keyring() -> Keyring {
        Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap()
    }

    fn token() -> RefreshToken {
        RefreshToken { session: SessionId::generate(), counter: 7, issued_at: Timestamp::now() }
    }

    #[test]
    fn it_reads_back_and_is_always_the_same() {
        let token = token();
        let text = token.seal(&keyring()).unwrap();
        assert_eq!(RefreshToken::open(&keyring(), text.expose()).unwrap(), Some(token));
        assert_eq!(token.seal(&keyring()).unwrap(), text);
    }

    proptest! {
        #[test]
        fn one_changed_character_is_seen(at: prop::sample::Index, other in "[A-Za-z0-9_-]") {
            let text = token().seal(&keyring()).unwrap();
            let at = at.index(text.expose().len());
            let mut changed = text.expose().to_owned();
            changed.replace_range(at..=at, &other);
            let read = RefreshToken::open(&keyring(), &changed).unwrap();
            prop_assert_eq!(read.is_some(), changed == text.expose());
        }

        #[test]
        fn no_text_makes_it_panic(text in "(plr_)?\\PC{0,120}") {
            prop_assert_eq!(RefreshToken::open(&keyring(), &text).unwrap(), None);
        }
    }
}
