use sealing::SealError;
use service_kit::db;

/// Why there is no key to sign with. Never shown to a client.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// A key could not be sealed or opened.
    #[error("a signing key could not be opened: does AUTH__SEALING__KEYS still hold its key?")]
    Seal(#[from] SealError),
    /// The library refused a key, or there is no randomness.
    #[error("a signing key could not be made")]
    Unusable,
    /// None is active.
    #[error("there is no active signing key")]
    None,
    /// The database failed.
    #[error("the signing keys could not be read")]
    Db(#[from] db::Error),
}
