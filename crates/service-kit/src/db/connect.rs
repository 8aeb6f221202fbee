use std::{path::Path, time::Duration};

use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use tokio_postgres::{Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::tls::{self, TlsError};

/// How long one connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// What every session starts with: nothing runs or waits for ever.
const SESSION: &str = "-c statement_timeout=10s -c lock_timeout=5s \
                       -c idle_in_transaction_session_timeout=30s -c timezone=UTC";

/// Makes connections to one database, with TLS as the URL's `sslmode` says:
/// `disable`, `prefer` (the default) or `require`. A certificate is always verified.
#[derive(Clone)]
pub struct Connector {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

/// Why no connection can be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is none of PostgreSQL's.
    #[error("the database URL cannot be read")]
    Url(#[source] tokio_postgres::Error),
    /// TLS cannot be set up.
    #[error("TLS to the database cannot be set up")]
    Tls(#[from] TlsError),
    /// The pool cannot be set up.
    #[error("the pool cannot be set up: {0}")]
    Pool(String),
    /// The server is away, or refuses us.
    #[error("no connection to the database")]
    Refused(#[source] tokio_postgres::Error),
    /// The session could not be set up.
    #[error("no session with the database")]
    Session(#[source] ConnectionError),
}

impl Connector {
    /// For the database at `url`; `authority` is a PEM file to trust beside the
    /// system's authorities.
    ///
    /// # Errors
    /// When either cannot be used.
    pub fn new(url: &str, authority: Option<&Path>) -> Result<Self, ConnectError> {
        let mut config: Config = url.parse().map_err(ConnectError::Url)?;
        config.connect_timeout(CONNECT).options(SESSION);
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(tls::client(authority, None)?)),
        };
        Ok(Self { config, tls })
    }

    /// Lifts the time limits of a session, for migrations.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.config.options("-c timezone=UTC -c lock_timeout=10s");
        self
    }

    /// One connection.
    ///
    /// # Errors
    /// [`ConnectError::Refused`] or [`ConnectError::Session`].
    pub async fn connect(&self) -> Result<AsyncPgConnection, ConnectError> {
        let connected = match &self.tls {
            Some(tls) => {
                let (client, connection) =
                    self.config.connect(tls.clone()).await.map_err(ConnectError::Refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(ConnectError::Refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
        };
        connected.map_err(ConnectError::Session)
    }
}

impl From<ConnectError> for ConnectionError {
    fn from(error: ConnectError) -> Self {
        // diesel and the pool above it keep no causes, so all of them go into the text.
        let mut chain = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(deeper) = cause {
            chain = format!("{chain}: {deeper}");
            cause = deeper.source();
        }
        Self::BadConnection(chain)
    }
}
