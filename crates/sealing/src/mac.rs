use aws_lc_rs::{constant_time, hmac};

use crate::{Keyring, SealError};

/// The length of a tag, bytes (HMAC-SHA256).
pub const TAG_LENGTH: usize = 32;

impl Keyring {
    /// A tag that only this keyring can make of `message`, for one `purpose`
    /// (`refresh/v1`).
    ///
    /// # Errors
    /// [`SealError::Failed`] when the library fails.
    pub fn tag(&self, purpose: &str, message: &[u8]) -> Result<[u8; TAG_LENGTH], SealError> {
        let key = self.keys().first().ok_or(SealError::Failed)?;
        sign(&key.derive(purpose.as_bytes())?, message)
    }

    /// Whether `tag` was made of `message` for this `purpose`, under the current
    /// key or one before it. Takes the same time whichever byte differs.
    ///
    /// # Errors
    /// [`SealError::Failed`] when the library fails.
    pub fn verify_tag(&self, purpose: &str, message: &[u8], tag: &[u8]) -> Result<bool, SealError> {
        for key in self.keys() {
            let wanted = sign(&key.derive(purpose.as_bytes())?, message)?;
            if constant_time::verify_slices_are_equal(&wanted, tag).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn sign(key: &[u8], message: &[u8]) -> Result<[u8; TAG_LENGTH], SealError> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    tag.as_ref().try_into().map_err(|_opaque| SealError::Failed)
}

#[cfg(test)]
mod tests {
    use crate::Keyring;

    const K1: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const K2: &str = "k2:HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn a_tag_holds_for_its_message_purpose_and_keyring() {
        let keyring = Keyring::parse(K1).unwrap();
        let tag = keyring.tag("refresh/v1", b"ses.1").unwrap();
        assert!(keyring.verify_tag("refresh/v1", b"ses.1", &tag).unwrap());
        assert!(!keyring.verify_tag("refresh/v1", b"ses.2", &tag).unwrap());
        assert!(!keyring.verify_tag("other/v1", b"ses.1", &tag).unwrap());
        assert!(!keyring.verify_tag("refresh/v1", b"ses.1", &tag[..31]).unwrap());
        let rotated = Keyring::parse(&format!("{K2},{K1}")).unwrap();
        assert!(rotated.verify_tag("refresh/v1", b"ses.1", &tag).unwrap());
        assert!(!Keyring::parse(K2).unwrap().verify_tag("refresh/v1", b"ses.1", &tag).unwrap());
    }
}
