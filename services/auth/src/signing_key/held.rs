use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use aws_lc_rs::rand;
use diesel_async::AsyncPgConnection;
use identity::{KeySet, SigningKey};
use ids::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use sealing::Keyring;
use service_kit::db::Db;

use super::{SigningKeyError, State, first, rotate, store};

/// How often the keys are read again, so that every replica learns of a rotation.
const EVERY: Duration = Duration::from_secs(15);

/// How soon they are read again as long as there are none.
const SOON: Duration = Duration::from_millis(500);

/// The keys as this process holds them: opened, and up to date within seconds. There
/// are none until the database was reached; the process is not ready before.
#[derive(Clone, Debug, Default)]
pub(crate) struct SigningKeys {
    held: Arc<RwLock<Option<Held>>>,
    /// The public halves, for verifying our own tokens.
    verifying: Arc<KeySet>,
}

#[derive(Debug)]
struct Held {
    signing: Arc<SigningKey>,
    published: Arc<JwkSet>,
}

impl SigningKeys {
    /// Reads the keys; the first start of all makes the first one.
    ///
    /// # Errors
    /// When they cannot be opened, which waiting does not mend. A database that is
    /// away is tolerated: [`SigningKeys::run`] goes on trying.
    pub(crate) async fn load(db: &Db, keyring: &Keyring) -> Result<Self, SigningKeyError> {
        let keys = Self::default();
        match keys.start(db, keyring).await {
            Err(SigningKeyError::Db(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "no signing keys yet: the database is away, or its schema is behind");
                Ok(keys)
            }
            outcome => outcome.map(|()| keys),
        }
    }

    /// Reads the keys again and again. Ends only when what the first start found in
    /// the database cannot be opened; later, a failure is tolerated, since the keys
    /// that are held stay good for minutes.
    pub(crate) async fn run(&self, db: &Db, keyring: &Keyring) -> SigningKeyError {
        while !self.is_loaded() {
            tokio::time::sleep(SOON).await;
            match self.start(db, keyring).await {
                Ok(()) | Err(SigningKeyError::Db(_)) => {}
                Err(error) => return error,
            }
        }
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.refresh(db, keyring).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the signing keys could not be read again; those held go on");
            }
        }
    }

    /// Whether there are keys.
    pub(crate) fn is_loaded(&self) -> bool {
        self.held.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    async fn start(&self, db: &Db, keyring: &Keyring) -> Result<(), SigningKeyError> {
        db.transaction(async |connection| {
            store::lock(connection).await?;
            if store::all(connection).await?.is_empty() {
                add(connection, keyring, first(Timestamp::now())).await?;
            }
            Ok::<_, SigningKeyError>(())
        })
        .await?;
        self.refresh(db, keyring).await
    }

    async fn refresh(&self, db: &Db, keyring: &Keyring) -> Result<(), SigningKeyError> {
        let held = read(&mut *db.connection().await?, keyring).await?;
        self.verifying.replace(&held.published);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(())
    }

    /// The key that signs now; `None` while there is none.
    pub(crate) fn signing(&self) -> Option<Arc<SigningKey>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|held| Arc::clone(&held.signing))
    }

    /// The public halves of all keys that tokens in use may have been signed with;
    /// `None` while that is not known.
    pub(crate) fn published(&self) -> Option<Arc<JwkSet>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|held| Arc::clone(&held.published))
    }

    /// For verifying our own tokens.
    pub(crate) fn verifying(&self) -> Arc<KeySet> {
        Arc::clone(&self.verifying)
    }
}

/// Adds a key and lets those before it retire, in a transaction of the caller's; gives its id. With `at_once`, tokens
/// of the old ones are void as soon as verifiers fetch the keys again.
pub(crate) async fn add_next(
    connection: &mut AsyncPgConnection,
    keyring: &Keyring,
    at_once: bool,
) -> Result<String, SigningKeyError> {
    store::lock(connection).await?;
    let (times, retire) = rotate(at_once, Timestamp::now());
    store::retire_all(connection, retire).await?;
    add(connection, keyring, times).await
}

async fn add(
    connection: &mut AsyncPgConnection,
    keyring: &Keyring,
    times: super::KeyTimes,
) -> Result<String, SigningKeyError> {
    let mut seed = [0; 32];
    rand::fill(&mut seed).map_err(|_opaque| SigningKeyError::Unusable)?;
    let key = SigningKey::from_seed(&seed).map_err(|_opaque| SigningKeyError::Unusable)?;
    let sealed = keyring.seal(&row_name(key.kid()), &seed)?;
    store::insert(connection, key.kid(), &sealed, times).await?;
    Ok(key.kid().to_owned())
}

/// Opens every key that is not retired; seals anew what an older key-encryption key
/// sealed.
async fn read(connection: &mut AsyncPgConnection, keyring: &Keyring) -> Result<Held, SigningKeyError> {
    let now = Timestamp::now();
    let (mut signing, mut published) = (None, Vec::new());
    for row in store::all(connection).await? {
        let state = row.times().state(now);
        if state == State::Retired {
            continue;
        }
        let name = row_name(&row.kid);
        let seed = keyring.open(&name, &row.sealed_seed)?;
        if !keyring.is_current(&row.sealed_seed) {
            store::reseal(connection, &row.kid, &row.sealed_seed, &keyring.seal(&name, &seed)?).await?;
        }
        let seed = seed.try_into().map_err(|_length| SigningKeyError::Unusable)?;
        let key = SigningKey::from_seed(&seed).map_err(|_opaque| SigningKeyError::Unusable)?;
        published.push(key.public_jwk());
        if state == State::Active && signing.is_none() {
            signing = Some(Arc::new(key));
        }
    }
    let signing = signing.ok_or(SigningKeyError::None)?;
    Ok(Held { signing, published: Arc::new(JwkSet { keys: published }) })
}

/// What a seed is bound to when it is sealed.
fn row_name(kid: &str) -> Vec<u8> {
    format!("signing_keys/{kid}/sealed_seed").into_bytes()
}
