use std::{io, net::SocketAddr};

use identity::{Revocations, Trusted, Verifier, feed_of_auth};
use observability::Metrics;
use service_discovery::{CallError, Peer, Service};
use service_kit::http::{Application, Readiness, Server, about, state_check};

use crate::{Settings, mailbox};

/// The stand-ins, listening but not yet serving.
#[derive(Debug)]
pub struct App {
    server: Server,
    mailbox: Mailbox,
}

/// What the mailbox serves, and what it follows beside that.
struct Mailbox {
    application: Application,
    revocations: Revocations,
    feed: Peer,
}

/// Why the stand-ins do not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A listener cannot be bound.
    #[error("a listener cannot be bound")]
    Listen(#[from] io::Error),
    /// auth cannot be placed.
    #[error("auth cannot be placed")]
    Peer(#[from] CallError),
    /// The metrics cannot be set up.
    #[error("the metrics cannot be set up: {0}")]
    Metrics(String),
}

impl App {
    /// Binds the listeners; connects to nothing yet.
    ///
    /// # Errors
    /// [`BuildError`] says what is missing.
    pub fn build(settings: Settings) -> Result<Self, BuildError> {
        let server = Server::bind(&settings.http)?;
        Ok(Self { server, mailbox: Mailbox::new(settings)? })
    }

    /// Where the mailbox shows mails, and where it takes events.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        self.server.addresses()
    }

    /// Serves until `stop` ends.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let Mailbox { application, revocations, feed } = self.mailbox;
        tokio::select! {
            ended = self.server.run(application, stop) => ended,
            never = revocations.follow(&feed) => match never {},
        }
    }
}

impl Mailbox {
    fn new(settings: Settings) -> Result<Self, BuildError> {
        let (revocations, feed) = (Revocations::default(), feed_of_auth(&settings.registry)?);
        let known = revocations.clone();
        let trusted = Trusted::auth(&settings.registry, Service::Notify, false)?;
        let verifier = Verifier::new(vec![trusted], revocations.clone());
        let auth = Peer::new(settings.registry.internal(Service::Auth), &settings.registry.peer_options())?;
        let (public, internal) = mailbox::routes(auth, settings.client_secret, verifier);
        let application = Application {
            service: Service::Notify,
            public,
            internal,
            about: about("Mailbox", "Shows the mails that would be sent."),
            readiness: Readiness::new()
                .with("revocations", state_check(move || known.is_loaded(), "revocations were not read yet")),
            metrics: Metrics::new(Service::Notify.name())
                .map_err(|why| BuildError::Metrics(why.to_string()))?,
        };
        Ok(Self { application, revocations, feed })
    }
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}
