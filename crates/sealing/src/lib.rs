//! Secrets at rest: sealed under a key-encryption key that comes from the
//! environment, bound to the row that holds them, rotated without downtime.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = sealing::Keyring::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?;
//! let sealed = keyring.seal(b"signing_keys/key-7", b"the secret")?;
//! assert_eq!(keyring.open(b"signing_keys/key-7", &sealed)?, b"the secret");
//! assert!(keyring.open(b"signing_keys/key-8", &sealed).is_err(), "moved to another row");
//! # Ok(())
//! # }
//! ```
//!
//! To rotate, put the new key first and keep the old one behind it
//! (`k2:…,k1:…`): the first seals, all open. [`Keyring::is_current`] tells which
//! rows still want sealing anew; when none does, drop the old key.

mod keyring;
mod mac;

pub use keyring::{Keyring, KeyringError, SealError};
pub use mac::TAG_LENGTH;
