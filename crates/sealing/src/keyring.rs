use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf,
};
use data_encoding::BASE64;

/// The first byte of every sealed value: this layout, so that it can change.
///
/// `version (1) | length of the key's id (1) | id | nonce (12) | ciphertext | tag (16)`
const VERSION: u8 = 1;

/// The length of a key, bytes.
const KEY_LENGTH: usize = 32;

/// Key-encryption keys: the first seals, all open.
pub struct Keyring {
    keys: Vec<Key>,
}

pub(crate) struct Key {
    id: String,
    secret: hkdf::Prk,
}

/// Why a text is not a keyring.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// No key at all.
    #[error("at least one key is wanted, as `id:base64`")]
    Empty,
    /// A part without a proper id.
    #[error("key {0}: `id:base64` is wanted, the id 1 to 32 of [a-z0-9-]")]
    Id(usize),
    /// A part whose key is not 32 bytes.
    #[error("key {0}: 32 bytes in base64 are wanted (`openssl rand -base64 32` makes them)")]
    Secret(usize),
    /// Two keys of one id.
    #[error("key {0}: its id is taken by one before it")]
    Twice(usize),
}

/// Why something could not be sealed or opened. It never says what was inside.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not something that [`Keyring::seal`] wrote.
    #[error("this is not a sealed value")]
    Layout,
    /// Sealed under a key that the keyring no longer holds.
    #[error("sealed under the key `{0}`, which the keyring does not hold")]
    UnknownKey(String),
    /// Tampered with, or bound to another row.
    #[error("it was changed, or belongs to another row")]
    Forged,
    /// The cryptographic library failed.
    #[error("sealing failed")]
    Failed,
}

impl Keyring {
    /// Reads `id:base64[,id:base64…]`, the current key first.
    ///
    /// # Errors
    /// Which part is wrong; never what it holds.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut keys: Vec<Key> = Vec::new();
        for (at, part) in text.split(',').map(str::trim).filter(|part| !part.is_empty()).enumerate() {
            let (id, secret) = part.split_once(':').ok_or(KeyringError::Id(at + 1))?;
            let proper = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if id.is_empty() || id.len() > 32 || !id.bytes().all(proper) {
                return Err(KeyringError::Id(at + 1));
            }
            if keys.iter().any(|key| key.id == id) {
                return Err(KeyringError::Twice(at + 1));
            }
            let secret = BASE64.decode(secret.as_bytes()).ok().filter(|bytes| bytes.len() == KEY_LENGTH);
            let secret = secret.ok_or(KeyringError::Secret(at + 1))?;
            keys.push(Key {
                id: id.to_owned(),
                secret: hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &secret),
            });
        }
        if keys.is_empty() { Err(KeyringError::Empty) } else { Ok(Self { keys }) }
    }

    /// Seals `secret` for the row that `row` names (`table/id/column`): it opens
    /// only under the same name.
    ///
    /// # Errors
    /// [`SealError::Failed`] when the library fails (no randomness, say).
    pub fn seal(&self, row: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.keys.first().ok_or(SealError::Failed)?;
        let length = u8::try_from(key.id.len()).map_err(|_opaque| SealError::Failed)?;
        let mut ciphertext = secret.to_vec();
        let nonce = key
            .cipher()?
            .seal_in_place_append_tag(Aad::from(row), &mut ciphertext)
            .map_err(|_opaque| SealError::Failed)?;
        Ok([&[VERSION, length][..], key.id.as_bytes(), nonce.as_ref(), &ciphertext].concat())
    }

    /// Opens what [`Keyring::seal`] sealed for the same row.
    ///
    /// # Errors
    /// [`SealError`] says which: another layout, an unknown key, or forged.
    pub fn open(&self, row: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (id, rest) = split(sealed).ok_or(SealError::Layout)?;
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Layout)?;
        let mut secret = ciphertext.to_vec();
        let length = key
            .cipher()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(row), &mut secret)
            .map_err(|_opaque| SealError::Forged)?
            .len();
        secret.truncate(length);
        Ok(secret)
    }

    /// Whether it was sealed under the key that seals now.
    #[must_use]
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        split(sealed).is_some_and(|(id, _)| self.keys.first().is_some_and(|key| key.id == id))
    }

    /// The keys, the current one first.
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

impl Key {
    fn cipher(&self) -> Result<RandomizedNonceKey, SealError> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.derive(b"plinth/seal/v1")?)
            .map_err(|_opaque| SealError::Failed)
    }

    /// A key for one purpose, by HKDF-SHA256 (RFC 5869) with the purpose as info.
    pub(crate) fn derive(&self, purpose: &[u8]) -> Result<[u8; KEY_LENGTH], SealError> {
        let mut derived = [0; KEY_LENGTH];
        self.secret
            .expand(&[purpose], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut derived))
            .map_err(|_opaque| SealError::Failed)?;
        Ok(derived)
    }
}

/// The key's id and what stands behind it.
fn split(sealed: &[u8]) -> Option<(&str, &[u8])> {
    let (&version, rest) = sealed.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(length))?;
    (version == VERSION).then_some((std::str::from_utf8(id).ok()?, rest))
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keyring(ids: &[&str]) -> Keyring {
        let parts = ids.iter().map(|id| {
            let fill = id.as_bytes()[id.len() - 1];
            format!("{id}:{}", BASE64.encode(&[fill; KEY_LENGTH]))
        });
        Keyring::parse(&parts.collect::<Vec<_>>().join(",")).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_in_its_row_only(secret: Vec<u8>, row: Vec<u8>, other: Vec<u8>) {
            let keyring = keyring(&["k1"]);
            let sealed = keyring.seal(&row, &secret).unwrap();
            prop_assert_eq!(keyring.open(&row, &sealed).unwrap(), secret);
            if other != row {
                prop_assert_eq!(keyring.open(&other, &sealed), Err(SealError::Forged));
            }
        }

        #[test]
        fn no_changed_byte_goes_unseen(secret: Vec<u8>, at: prop::sample::Index, flip in 1..=255_u8) {
            let keyring = keyring(&["k1"]);
            let mut sealed = keyring.seal(b"row", &secret).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= flip;
            prop_assert!(keyring.open(b"row", &sealed).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            prop_assert!(keyring(&["k1"]).open(b"row", &bytes).is_err());
        }
    }

    #[test]
    fn rotation_opens_the_old_and_seals_with_the_new() {
        let sealed = keyring(&["k1"]).seal(b"row", b"secret").unwrap();
        let both = keyring(&["k2", "k1"]);
        assert_eq!(both.open(b"row", &sealed).unwrap(), b"secret");
        assert!(!both.is_current(&sealed));
        assert!(both.is_current(&both.seal(b"row", b"secret").unwrap()));
        assert_eq!(keyring(&["k2"]).open(b"row", &sealed), Err(SealError::UnknownKey("k1".to_owned())));
    }

    #[test]
    fn a_bad_keyring_is_named_without_its_secret() {
        assert_eq!(Keyring::parse("").unwrap_err(), KeyringError::Empty);
        assert_eq!(Keyring::parse("k1").unwrap_err(), KeyringError::Id(1));
        assert_eq!(Keyring::parse("k1:c2hvcnQ=").unwrap_err(), KeyringError::Secret(1));
        let key = BASE64.encode(&[7; KEY_LENGTH]);
        assert_eq!(Keyring::parse(&format!("k1:{key},k1:{key}")).unwrap_err(), KeyringError::Twice(2));
        assert_eq!(format!("{:?}", keyring(&["k2", "k1"])), r#"["k2", "k1"]"#);
    }
}
