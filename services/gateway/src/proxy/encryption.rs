//! What connections to services are encrypted with. New files are taken up without a restart.

use std::{
    convert::Infallible,
    fs, io,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::ClientConfig;
use service_kit::tls::{self, TlsError};

use crate::settings::ServicesTls;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The names of protocols in the handshake (RFC 9113 section 3.2, RFC 7301 section 6).
const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// What a service is offered in the handshake (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// HTTP/2 and HTTP/1.1.
    Both,
    /// HTTP/1.1, which alone can become a WebSocket.
    Http1,
}

/// How services are recognised, and what they are shown. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Encryption {
    settings: ServicesTls,
    current: Arc<RwLock<Option<Current>>>,
}

#[derive(Debug)]
struct Current {
    /// What the files held.
    read: Vec<Vec<u8>>,
    both: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
}

impl Encryption {
    /// Nothing can be encrypted until it is [`loaded`](Self::load): a machine that needs none
    /// may have no authorities.
    pub(crate) fn new(settings: ServicesTls) -> Self {
        Self { settings, current: Arc::default() }
    }

    /// Reads the files, unless that was done.
    ///
    /// # Errors
    /// When one cannot be used.
    pub(crate) fn load(&self) -> Result<(), TlsError> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.is_none() {
            *current = Some(Current::of(&self.settings)?);
        }
        Ok(())
    }

    /// What the next connection is made with.
    pub(super) fn config(&self, offer: Offer) -> io::Result<Arc<ClientConfig>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let current = current.as_ref().ok_or_else(|| io::Error::other("TLS to services is not set up"))?;
        Ok(Arc::clone(match offer {
            Offer::Both => &current.both,
            Offer::Http1 => &current.http1,
        }))
    }

    /// Takes up what is new in the files, again and again, for connections made from then on.
    /// What cannot be used is logged, and the last stays.
    pub(crate) async fn keep_fresh(&self) -> Infallible {
        let mut refused = None;
        loop {
            tokio::time::sleep(LOOK).await;
            match self.renew() {
                Ok(true) => tracing::info!("new files are in use for TLS to services"),
                Ok(false) => refused = None,
                Err(why) => {
                    let why = why.to_string();
                    if refused.as_ref() != Some(&why) {
                        tracing::warn!(why, "new files for TLS to services cannot be used; the last stay");
                    }
                    refused = Some(why);
                }
            }
        }
    }

    fn renew(&self) -> Result<bool, TlsError> {
        let read = self.settings.contents()?;
        let is_old = |current: &Current| current.read != read;
        if !self.current.read().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(is_old) {
            return Ok(false);
        }
        let found = Current::of(&self.settings)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(true)
    }
}

impl Current {
    fn of(settings: &ServicesTls) -> Result<Self, TlsError> {
        // What changes meanwhile is new at the next look.
        let read = settings.contents()?;
        let mut both = tls::client(settings.authority.as_deref(), settings.own.as_ref())?;
        both.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        let mut http1 = both.clone();
        http1.alpn_protocols = vec![HTTP1.to_vec()];
        Ok(Self { read, both: Arc::new(both), http1: Arc::new(http1) })
    }
}

impl ServicesTls {
    /// What stands in its files.
    fn contents(&self) -> Result<Vec<Vec<u8>>, TlsError> {
        let own = self.own.iter().flat_map(|own| [&own.certificate, &own.key]);
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|why| TlsError::File(format!("{}: {why}", path.display())))
        };
        self.authority.iter().chain(own).map(read).collect()
    }
}
