use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{EgressError, Refusal, error::Unresolved, policy::may_reach};

/// Finds the addresses of a name.
pub trait Lookup: fmt::Debug + Send + Sync + 'static {
    /// All of them.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// As the system does it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Gives a connection the addresses that it may go to. They are looked up once and are those that
/// are connected to, so that no second answer can differ from the one that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) lookup: Arc<dyn Lookup>,
    /// What may be reached although it is not public.
    pub(crate) allowed: Vec<IpNet>,
}

impl Guard {
    /// All addresses of a name, if all of them may be reached: one that may not stands for
    /// what is meant by it.
    pub(crate) async fn addresses(&self, name: String) -> Result<Vec<IpAddr>, EgressError> {
        let found = self.lookup.lookup(name).await.map_err(EgressError::Unresolved)?;
        if found.is_empty() {
            return Err(EgressError::Unresolved(io::ErrorKind::NotFound.into()));
        }
        if found.iter().all(|address| may_reach(&self.allowed, *address)) {
            Ok(found)
        } else {
            Err(Refusal::NotPublic.into())
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            match guard.addresses(name.as_str().to_owned()).await {
                Ok(found) => {
                    // Port 0 is the URL's.
                    let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
                    let found: Addrs = Box::new(found);
                    Ok(found)
                }
                // As it is found again among the causes.
                Err(EgressError::Refused(refusal)) => Err(refusal.into()),
                Err(EgressError::Unresolved(why)) => Err(Unresolved(why).into()),
                Err(why) => Err(why.into()),
            }
        })
    }
}
