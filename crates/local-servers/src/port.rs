//! Ports of 127.0.0.1 that nobody uses right now.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// A port that is free at this moment, chosen by the system.
///
/// # Errors
/// When the system has none to give.
pub fn free() -> io::Result<u16> {
    Ok(listen()?.local_addr()?.port())
}

/// As many different free ports as asked for.
///
/// # Errors
/// When the system has none to give.
pub fn free_set(count: usize) -> io::Result<Vec<u16>> {
    // All are held at once, so that the system can't give the same one twice.
    let held = (0..count).map(|_| listen()).collect::<io::Result<Vec<_>>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// Whether something listens on this port of 127.0.0.1 (or on all addresses).
#[must_use]
pub fn is_taken(port: u16) -> bool {
    matches!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)), Err(e) if e.kind() == io::ErrorKind::AddrInUse)
}

fn listen() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn gives_different_ports() {
        let ports: HashSet<u16> = free_set(50).unwrap().into_iter().collect();
        assert_eq!(ports.len(), 50);
    }

    #[test]
    fn sees_a_listener() {
        let listener = listen().unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_taken(port));
        drop(listener);
        assert!(!is_taken(port));
    }
}
