//! Connections as they come in: how many one address may hold, and for how long one may take
//! nothing of what it is sent.

use std::{
    any::Any,
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, Shutdown},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{dev::Extensions, rt::net::TcpStream};
use socket2::SockRef;

/// How long bytes may lie unacknowledged before the connection is cut: tcp(7),
/// `TCP_USER_TIMEOUT`. A reader that stands still would hold it for ever.
const STALLED: Duration = Duration::from_secs(20);

/// How many connections one client may hold: an IPv4 address, or a network of 64 bits, which
/// is what one subscriber has of IPv6.
#[derive(Clone)]
pub struct ConnectionLimit {
    most: Arc<dyn Fn(IpAddr) -> Option<usize> + Send + Sync>,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection that counts, until it is dropped.
struct Held {
    of: IpAddr,
    all: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl ConnectionLimit {
    /// At most as many as `most` says for an address, each time that one connects; `None`: any
    /// number, such as for a load balancer.
    pub fn new(most: impl Fn(IpAddr) -> Option<usize> + Send + Sync + 'static) -> Self {
        Self { most: Arc::new(most), held: Arc::default() }
    }

    /// None at all.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| None)
    }

    /// A connection of this address; `None`: it holds too many.
    fn take(&self, from: IpAddr) -> Option<Option<Held>> {
        let Some(most) = (self.most)(from) else { return Some(None) };
        let of = subscriber(from);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(of).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Some(Held { of, all: Arc::clone(&self.held) }))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.of);
            }
        }
    }
}

/// Looks at a connection that was accepted; one too many is closed at once.
pub(super) fn opened(limit: &ConnectionLimit, io: &dyn Any, data: &mut Extensions) {
    let Some(stream) = tcp(io) else { return };
    let socket = SockRef::from(stream);
    #[cfg(target_os = "linux")]
    // Tolerated: without it the connection lives as long as its client wants.
    let _ = socket.set_tcp_user_timeout(Some(STALLED));
    let Ok(peer) = stream.peer_addr() else { return };
    match limit.take(peer.ip()) {
        Some(held) => drop(data.insert(held)),
        // Tolerated: it is gone already.
        None => drop(socket.shutdown(Shutdown::Both)),
    }
}

fn tcp(io: &dyn Any) -> Option<&TcpStream> {
    let encrypted = || io.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0);
    io.downcast_ref::<TcpStream>().or_else(encrypted)
}

fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

impl std::fmt::Debug for ConnectionLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionLimit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_subscriber_has_so_many_and_another_when_one_is_dropped() {
        let limit = ConnectionLimit::new(|address| (address != ip("10.0.0.9")).then_some(2));
        let (first, _second) = (limit.take(ip("10.0.0.1")).unwrap(), limit.take(ip("10.0.0.1")).unwrap());
        assert!(limit.take(ip("10.0.0.1")).is_none() && limit.take(ip("::ffff:10.0.0.1")).is_none());
        assert!(limit.take(ip("10.0.0.2")).is_some(), "somebody else");
        assert!((0..10).all(|_| limit.take(ip("10.0.0.9")).is_some()), "who is exempt");
        drop(first);
        assert!(limit.take(ip("10.0.0.1")).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_subscriber_and_nobody_is_kept_in_mind_for_nothing() {
        let limit = ConnectionLimit::new(|_| Some(1));
        let held = limit.take(ip("2001:db8:0:1::1")).unwrap();
        assert!(limit.take(ip("2001:db8:0:1:ffff::2")).is_none());
        assert!(limit.take(ip("2001:db8:0:2::1")).is_some());
        drop(held);
        assert!(limit.held.lock().unwrap().is_empty());
    }
}
