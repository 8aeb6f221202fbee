//! The service's PostgreSQL: a pool of connections and what can go wrong with it.

mod connect;
mod error;
mod hints;
mod pools;
mod statement;

pub use connect::{ConnectError, Connector};
pub use error::{Error, is_passing};
pub use hints::Hints;
pub use statement::{Bound, Statement, statement};

use diesel_async::{
    AsyncConnection, AsyncPgConnection, TransactionManager, pooled_connection::deadpool::Object,
};
use pools::Pools;
use secrecy::ExposeSecret;

use crate::settings::Database;

/// What a store function returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A connection out of the pool; it goes back when dropped.
pub type Connection = Object<AsyncPgConnection>;

/// The pool of a service's database.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
}

impl Db {
    /// A pool for the runtime role; connects when first used.
    ///
    /// # Errors
    /// When the URL or the certificate authority cannot be used.
    pub fn new(settings: &Database) -> std::result::Result<Self, ConnectError> {
        let connector = Connector::new(settings.url.expose_secret(), settings.ca_file.as_deref())?;
        let pools = Pools::new(&connector, settings.pool_size);
        Ok(Self { pools: pools.map_err(|why| ConnectError::Pool(why.to_string()))? })
    }

    /// A connection.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none comes free in time or the server is away.
    pub async fn connection(&self) -> Result<Connection> {
        self.pools.get().await.map_err(|why| Error::Unavailable(Box::new(why)))
    }

    /// A connection outside the pool, to listen on: it never goes back.
    ///
    /// # Errors
    /// As [`Db::connection`].
    pub async fn dedicated(&self) -> Result<AsyncPgConnection> {
        Ok(Object::take(self.connection().await?))
    }

    /// Runs `work` in one transaction: all of it happens, or nothing.
    ///
    /// # Errors
    /// What `work` says, or that the database is away.
    pub async fn transaction<T, E: From<Error>>(
        &self,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        transaction(&mut *self.connection().await?, work).await
    }
}

/// Runs `work` in a transaction of `connection`: all of it happens, or nothing.
///
/// diesel-async's own wants futures that may change threads; actix's may not. If the
/// caller goes away in the middle, the pool throws the connection away, and with it
/// the transaction.
///
/// # Errors
/// What `work` says, or that the database is away.
pub async fn transaction<T, E: From<Error>>(
    connection: &mut AsyncPgConnection,
    work: impl AsyncFnOnce(&mut AsyncPgConnection) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    Manager::begin_transaction(connection).await.map_err(Error::from)?;
    match work(connection).await {
        Ok(value) => {
            Manager::commit_transaction(connection).await.map_err(Error::from)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(failed) = Manager::rollback_transaction(connection).await {
                tracing::warn!(%failed, "a rollback failed; the connection is thrown away");
            }
            Err(error)
        }
    }
}

type Manager = <AsyncPgConnection as AsyncConnection>::TransactionManager;

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("pools", &self.pools).finish()
    }
}
