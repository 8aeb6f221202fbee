//! Connections to services, over a table of resolved addresses: no name is looked up
//! while a request waits.

use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::join_all;
use hyper::{Uri, http::uri::Scheme};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use super::{client::Ways, encryption::Offer};

/// How often names are looked up anew.
const RESOLVE_EVERY: Duration = Duration::from_secs(5);

/// The addresses behind every instance's `host:port`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Endpoints {
    resolved: Arc<RwLock<HashMap<String, Arc<[SocketAddr]>>>>,
    wanted: Arc<Mutex<Vec<Weak<[String]>>>>,
}

/// Names that are looked up again and again as long as this is held: a request under way may
/// need a connection to an instance that is no longer in force.
#[derive(Debug)]
pub(crate) struct Names(Arc<[String]>);

impl Endpoints {
    /// Looks up the names of these base URLs that are not known yet.
    pub(crate) async fn resolve<'a>(&self, bases: impl IntoIterator<Item = &'a Url>) -> Names {
        let names: Arc<[String]> = bases.into_iter().filter_map(authority).collect();
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&names));
        let unknown = names.iter().filter(|name| self.find(name).is_none());
        // Tolerated: `renew` tells of it, and what is put in force with it is refused.
        let _: Vec<io::Result<()>> = join_all(unknown.map(|name| self.renew_one(name))).await;
        Names(names)
    }

    /// Which of these have no address and are none of the `old` ones.
    pub(crate) fn unknown(&self, names: &Names, old: &Names) -> Vec<String> {
        let is_unknown = |name: &&String| !old.0.contains(name) && self.find(name).is_none();
        names.0.iter().filter(is_unknown).cloned().collect()
    }

    /// Looks all names up again and again. What cannot be resolved keeps its last addresses.
    pub(crate) async fn keep_fresh(&self) {
        loop {
            tokio::time::sleep(RESOLVE_EVERY).await;
            self.renew().await;
        }
    }

    /// What nobody holds any more is forgotten.
    async fn renew(&self) {
        let renew = async |authority: String| {
            if let Err(why) = self.renew_one(&authority).await {
                tracing::warn!(authority, %why, "a name could not be resolved");
            }
        };
        join_all(self.wanted().into_iter().map(renew)).await;
        let mut resolved = self.resolved.write().unwrap_or_else(PoisonError::into_inner);
        // Once more: others may be wanted by now.
        let wanted = self.wanted();
        resolved.retain(|authority, _| wanted.contains(authority));
    }

    fn wanted(&self) -> BTreeSet<String> {
        let mut all = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|names| names.strong_count() > 0);
        all.iter().filter_map(Weak::upgrade).flat_map(|names| names.to_vec()).collect()
    }

    async fn renew_one(&self, authority: &str) -> io::Result<()> {
        let found = tokio::net::lookup_host(authority).await?.collect();
        let mut resolved = self.resolved.write().unwrap_or_else(PoisonError::into_inner);
        resolved.insert(authority.to_owned(), found);
        Ok(())
    }

    fn find(&self, authority: &str) -> Option<Arc<[SocketAddr]>> {
        let resolved = self.resolved.read().unwrap_or_else(PoisonError::into_inner);
        resolved.get(authority).filter(|addresses| !addresses.is_empty()).cloned()
    }
}

/// `host:port`, the port always written.
fn authority(base: &Url) -> Option<String> {
    Some(format!("{}:{}", base.host_str()?, base.port_or_known_default()?))
}

/// Connects to where `uri` is, in clear text and within the time for that.
pub(super) async fn dial(ways: &Ways, uri: &Uri) -> io::Result<TokioIo<TcpStream>> {
    let patience = ways.live.front().door.limits.connect;
    tokio::time::timeout(patience, Dialer(ways.endpoints.clone()).dial(uri.clone())).await?
}

/// Makes connections; one for all of a worker's requests of one kind.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    /// Shared by a worker alone: hyper clones its connector for each request.
    pub(super) ways: Arc<Ways>,
    pub(super) offer: Offer,
}

/// What a request is written to.
type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;

impl Connector {
    /// Within the time for all of it: each address in turn, and the handshake.
    async fn connect(self, uri: Uri) -> io::Result<Connection> {
        // As the settings have it now: no connection is made for one request alone.
        let patience = self.ways.live.front().door.limits.connect;
        tokio::time::timeout(patience, self.connect_patiently(uri)).await?
    }

    async fn connect_patiently(self, uri: Uri) -> io::Result<Connection> {
        let mut dialer = Dialer(self.ways.endpoints.clone());
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return dialer.call(uri).await.map(MaybeHttpsStream::Http);
        }
        let config = self.ways.encryption.config(self.offer)?;
        HttpsConnector::from((dialer, config)).call(uri).await.map_err(io::Error::other)
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Connection>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// Finds the first address that takes a connection.
#[derive(Clone, Debug)]
struct Dialer(Endpoints);

impl Dialer {
    async fn dial(self, uri: Uri) -> io::Result<TokioIo<TcpStream>> {
        let usual = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let authority = format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(usual));
        let addresses = self.0.find(&authority);
        let addresses = addresses.ok_or_else(|| io::Error::other(format!("{authority} is not resolved")))?;
        let stream = TcpStream::connect(&*addresses).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[actix_web::test]
    async fn a_name_is_known_as_long_as_somebody_holds_it() {
        let endpoints = Endpoints::default();
        let (one, two, nowhere) =
            (url("http://127.0.0.1:1"), url("http://127.0.0.1:2"), url("http://x.invalid"));
        let first = endpoints.resolve([&one, &two]).await;
        let second = endpoints.resolve([&two, &nowhere]).await;
        assert_eq!(endpoints.unknown(&second, &first), ["x.invalid:80"]);
        assert_eq!(endpoints.unknown(&second, &second), [""; 0]);
        endpoints.renew().await;
        assert!(endpoints.find("127.0.0.1:1").is_some(), "a request may go by the first one still");
        drop(first);
        endpoints.renew().await;
        let known = ["127.0.0.1:1", "127.0.0.1:2", "x.invalid:80"].map(|name| endpoints.find(name).is_some());
        assert_eq!(known, [false, true, false]);
    }
}
