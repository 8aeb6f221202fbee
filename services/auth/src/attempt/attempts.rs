use std::net::IpAddr;

use actix_web::web::Data;
use audit::{Entry, Origin};
use contract_auth::audited;
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use ids::{Timestamp, UserId};
use sealing::{Keyring, SealError, TAG_LENGTH};
use service_kit::db::{self, Db};
use tokio::sync::SemaphorePermit;

use super::{
    AttemptError, Proof, TellLocked, rules,
    store::{self, Counted, Keys},
    turns::Turns,
};

type Key = [u8; TAG_LENGTH];

/// Counts attempts.
#[derive(Debug)]
pub(crate) struct Attempts {
    db: Db,
    keyring: Data<Keyring>,
    /// How many failures a client's address may have in ten minutes; 0 for any number.
    failures_per_address: u32,
    turns: Turns,
}

/// The turn of who makes an attempt at an account; it costs no look at the database.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    attempts: &'a Attempts,
    proof: Proof,
    account: Key,
    _permit: SemaphorePermit<'a>,
}

/// An attempt that was counted, as a failure until it is settled.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    turn: Turn<'a>,
    client: Option<Key>,
    failures: i32,
}

impl Attempts {
    pub(crate) fn new(db: Db, keyring: Data<Keyring>, failures_per_address: u32) -> Self {
        Self { db, keyring, failures_per_address, turns: Turns::new() }
    }

    /// Takes a turn and counts an attempt in one go.
    ///
    /// # Errors
    /// As of both.
    pub(crate) async fn begin(
        &self,
        proof: Proof,
        whose: &str,
        from: Option<IpAddr>,
    ) -> Result<Attempt<'_>, AttemptError> {
        Ok(self.turn(proof, whose).await?.count(from, async |_| Ok(())).await?.0)
    }

    /// Waits for a turn at `whose` password or code.
    ///
    /// # Errors
    /// [`AttemptError::Busy`], when too many wait.
    pub(crate) async fn turn(&self, proof: Proof, whose: &str) -> Result<Turn<'_>, AttemptError> {
        let account = self.account(proof, whose)?;
        let permit = self.turns.take(&account).await?;
        Ok(Turn { attempts: self, proof, account, _permit: permit })
    }

    /// Forgets the failures at `whose` password or code: somebody has proven that the
    /// account is theirs in another way, or an administrator vouches for them.
    pub(crate) async fn forget(
        &self,
        connection: &mut AsyncPgConnection,
        proof: Proof,
        whose: &str,
    ) -> Result<(), AttemptError> {
        Ok(store::forget(connection, &self.account(proof, whose)?).await?)
    }

    fn account(&self, proof: Proof, whose: &str) -> Result<Key, SealError> {
        self.key(proof.name(), &whose.trim().to_ascii_lowercase())
    }

    fn key(&self, counter: &str, whose: &str) -> Result<Key, SealError> {
        self.keyring.tag(&format!("plinth/attempts/{counter}/v1"), whose.as_bytes())
    }
}

impl<'a> Turn<'a> {
    /// Counts an attempt before it is judged; from a client's address, where nobody is
    /// logged in. `look` is what else is asked, on the same connection and the same way.
    ///
    /// # Errors
    /// [`AttemptError::TooMany`], for the account or for the address.
    pub(crate) async fn count<T>(
        self,
        from: Option<IpAddr>,
        look: impl AsyncFnOnce(&AsyncPgConnection) -> db::Result<T>,
    ) -> Result<(Attempt<'a>, T), AttemptError> {
        let most = self.attempts.failures_per_address;
        let from = from.filter(|_| most > 0);
        let client = from.map(|ip| self.attempts.key("client", &rules::client(ip))).transpose()?;
        let mut connection = self.attempts.db.connection().await?;
        let (limit, now) = (i32::try_from(most).unwrap_or(i32::MAX), Timestamp::now());
        let of_client = client.as_ref().map(Key::as_slice);
        let counting = store::count(&connection, &self.account, of_client, limit, now);
        let (counted, found) = try_join(counting, look(&connection)).await?;
        match counted {
            Counted::Admitted(failures) => Ok((Attempt { turn: self, client, failures }, found)),
            Counted::AccountLocked => {
                let wait = store::account_wait(&mut connection, &self.account, now).await?;
                Err(AttemptError::TooMany { wait })
            }
            Counted::ClientLocked => {
                let client = client.unwrap_or_default();
                let wait = store::client_wait(&mut connection, &client, now).await?;
                Err(AttemptError::TooMany { wait })
            }
        }
    }
}

impl Attempt<'_> {
    /// It was right: the account's failures are forgotten, and the client's address has one
    /// less.
    pub(crate) async fn succeeded(self) -> Result<(), AttemptError> {
        let mut connection = self.turn.attempts.db.connection().await?;
        Ok(store::succeed(&mut connection, self.keys()).await?)
    }

    /// The same, by what it opens: `open` does both in one statement, or nothing.
    pub(crate) async fn succeeded_by<T, E: From<AttemptError>>(
        self,
        open: impl AsyncFnOnce(&mut AsyncPgConnection, Keys<'_>) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        let mut connection = self.turn.attempts.db.connection().await.map_err(AttemptError::from)?;
        let opened = open(&mut connection, self.keys()).await?;
        if opened.is_none() {
            store::succeed(&mut connection, self.keys()).await.map_err(AttemptError::from)?;
        }
        Ok(opened)
    }

    fn keys(&self) -> Keys<'_> {
        Keys { client: self.client.as_ref().map(Key::as_slice), account: &self.turn.account }
    }

    /// It was not judged: as if it had not been made.
    pub(crate) async fn withdraw(self) -> Result<(), AttemptError> {
        let Turn { attempts, account, .. } = &self.turn;
        let mut connection = attempts.db.connection().await?;
        let keys = [Some(*account), self.client].into_iter().flatten();
        Ok(store::withdraw(&mut connection, keys.map(Vec::from).collect()).await?)
    }

    /// It was wrong. When that locks the account for long, it is audited and its owner
    /// told, by a job: so it costs the same where there is no owner.
    pub(crate) async fn failed(self, user: Option<UserId>, origin: &Origin) -> Result<(), AttemptError> {
        if !rules::is_told(self.failures) {
            return Ok(());
        }
        let entry = Entry::of(audited::LOGIN_LOCKED).with("proof", self.turn.proof.name());
        let entry = entry.with("failures", self.failures);
        let entry = match user {
            Some(user) => entry.on(user),
            None => entry,
        };
        let mut connection = self.turn.attempts.db.connection().await?;
        db::transaction(&mut connection, async |connection| {
            audit::record(connection, &origin.anybody("anonymous"), entry).await?;
            jobs::enqueue(connection, &TellLocked { user, failures: self.failures }).await?;
            Ok(())
        })
        .await
    }
}
