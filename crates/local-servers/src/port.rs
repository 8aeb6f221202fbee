//! Ports of 127.0.0.1 that nobody uses right now.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that systems give to outgoing connections (from 32768 on, or higher): none of
/// those can take a port between its choice and its use.
const LOWEST: u32 = 10_000;
const COUNT: u32 = 22_000;

/// Each process begins at a place of its own, so that two that choose at the same time (tests do)
/// don't choose the same.
const OWN: u32 = 16;

/// How many candidates this process has looked at.
static LOOKED_AT: AtomicU32 = AtomicU32::new(0);

/// A port that is free at this moment. This process gets it only once.
///
/// # Errors
/// When there is none.
pub fn free() -> io::Result<u16> {
    let fit = (0..COUNT).map(|_| candidate()).find(|port| listen(*port).is_ok());
    fit.ok_or_else(|| io::Error::new(io::ErrorKind::AddrNotAvailable, "every port is in use"))
}

/// Whether something listens on this port of 127.0.0.1 (or on all addresses).
#[must_use]
pub fn is_taken(port: u16) -> bool {
    matches!(listen(port), Err(e) if e.kind() == io::ErrorKind::AddrInUse)
}

fn candidate() -> u16 {
    let begin = process::id().wrapping_mul(OWN);
    let place = begin.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed)) % COUNT;
    u16::try_from(LOWEST + place).unwrap_or(u16::MAX)
}

fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn gives_each_port_once() {
        let ports: HashSet<u16> = (0..50).map(|_| free().unwrap()).collect();
        assert_eq!(ports.len(), 50);
    }

    #[test]
    fn sees_a_listener() {
        let port = free().unwrap();
        let listener = listen(port).unwrap();
        assert!(is_taken(port));
        drop(listener);
        assert!(!is_taken(port));
    }
}
