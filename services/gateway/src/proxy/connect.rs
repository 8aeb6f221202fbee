//! Connections to services, over a table of resolved addresses: no name is looked up
//! while a request waits.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::join_all;
use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

/// How often names are looked up anew.
const RESOLVE_EVERY: Duration = Duration::from_secs(5);

/// The addresses behind every instance's `host:port`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints {
    resolved: Arc<RwLock<HashMap<String, Arc<[SocketAddr]>>>>,
    wanted: Arc<[String]>,
}

impl Endpoints {
    /// Of these base URLs, each looked up once now.
    pub(crate) async fn resolve<'a>(bases: impl IntoIterator<Item = &'a Url>) -> Self {
        let wanted = bases.into_iter().filter_map(authority).collect();
        let endpoints = Self { wanted, ..Self::default() };
        endpoints.renew().await;
        endpoints
    }

    /// Looks all names up again and again. What cannot be resolved keeps its last addresses.
    pub(crate) async fn keep_fresh(&self) {
        loop {
            tokio::time::sleep(RESOLVE_EVERY).await;
            self.renew().await;
        }
    }

    async fn renew(&self) {
        join_all(self.wanted.iter().map(|authority| self.renew_one(authority))).await;
    }

    async fn renew_one(&self, authority: &str) {
        match tokio::net::lookup_host(authority).await {
            Ok(found) => {
                let mut resolved = self.resolved.write().unwrap_or_else(PoisonError::into_inner);
                resolved.insert(authority.to_owned(), found.collect());
            }
            Err(why) => tracing::warn!(authority, %why, "a name could not be resolved"),
        }
    }

    fn find(&self, authority: &str) -> Option<Arc<[SocketAddr]>> {
        self.resolved.read().unwrap_or_else(PoisonError::into_inner).get(authority).cloned()
    }
}

/// `host:port`, the port always written.
fn authority(base: &Url) -> Option<String> {
    Some(format!("{}:{}", base.host_str()?, base.port_or_known_default()?))
}

/// Makes connections; one for all of a worker's requests.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) endpoints: Endpoints,
    pub(super) timeout: Duration,
}

impl Connector {
    /// The first address that takes a connection within the time for all of them.
    async fn connect(self, uri: Uri) -> io::Result<TokioIo<TcpStream>> {
        let authority = format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80));
        let addresses = self.endpoints.find(&authority).filter(|addresses| !addresses.is_empty());
        let addresses = addresses.ok_or_else(|| io::Error::other(format!("{authority} is not resolved")))?;
        let stream = tokio::time::timeout(self.timeout, TcpStream::connect(&*addresses)).await??;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}
