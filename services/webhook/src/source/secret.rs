//! What a provider signs with, as it shows it.

use aws_lc_rs::rand;
use contract_webhook::{Scheme, SourceId};
use data_encoding::HEXLOWER;
use sealing::Keyring;
use secrecy::{ExposeSecret, SecretString};

use super::SourceError;
use crate::signing::SigningSecret;

/// How many bytes a random one has.
const LENGTH: usize = 32;

/// How many bytes the text of one has.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=256;

/// A new one, in the form that providers of this scheme have.
pub(super) fn generate(scheme: Scheme) -> Result<SecretString, SourceError> {
    if scheme == Scheme::StandardWebhooks {
        let secret = SigningSecret::generate().map_err(|_why| SourceError::NoRandomness)?;
        return Ok(secret.shown().into());
    }
    let mut bytes = [0; LENGTH];
    rand::fill(&mut bytes).map_err(|_why| SourceError::NoRandomness)?;
    Ok(HEXLOWER.encode(&bytes).into())
}

/// Why a text is none of this scheme's.
pub(super) fn fault(scheme: Scheme, text: &str) -> Option<String> {
    if scheme == Scheme::StandardWebhooks {
        return SigningSecret::parse(text).err().map(|why| why.to_string());
    }
    let fits = LENGTHS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    (!fits).then(|| format!("{} to {} visible ASCII letters are wanted", LENGTHS.start(), LENGTHS.end()))
}

/// The bytes that signatures are made with.
pub(crate) fn key(scheme: Scheme, text: &SecretString) -> Option<Vec<u8>> {
    match scheme {
        Scheme::StandardWebhooks => Some(SigningSecret::parse(text.expose_secret()).ok()?.bytes().to_vec()),
        _ => Some(text.expose_secret().as_bytes().to_vec()),
    }
}

pub(super) fn seal(keyring: &Keyring, id: SourceId, text: &SecretString) -> Result<Vec<u8>, SourceError> {
    Ok(keyring.seal(name(id).as_bytes(), text.expose_secret().as_bytes())?)
}

pub(crate) fn open(keyring: &Keyring, id: SourceId, sealed: &[u8]) -> Result<SecretString, SourceError> {
    let bytes = keyring.open(name(id).as_bytes(), sealed)?;
    Ok(String::from_utf8(bytes).map_err(|_why| SourceError::Broken)?.into())
}

/// What it is sealed for.
fn name(id: SourceId) -> String {
    format!("sources/{}", id.uuid())
}
