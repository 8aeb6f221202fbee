//! Which connections a listener still has, as the kernel knows them: what a client that does not
//! read could not see. See proc(5), `/proc/net/tcp`.

use std::{
    collections::HashSet,
    fs,
    net::{Ipv4Addr, SocketAddrV4},
};

/// `TCP_ESTABLISHED`: neither side has closed it.
const ESTABLISHED: &str = "01";

/// Who is connected to `port` of this machine.
pub(super) fn connected_to(port: u16) -> std::io::Result<HashSet<SocketAddrV4>> {
    let end = format!(":{port:04X}");
    Ok(fs::read_to_string("/proc/net/tcp")?.lines().skip(1).filter_map(|line| peer(line, &end)).collect())
}

/// The other side, if this one's address has that `end`. There are thousands of lines, so that only
/// those that count are read to their ends.
fn peer(line: &str, end: &str) -> Option<SocketAddrV4> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    fields.next().filter(|local| local.ends_with(end))?;
    let (remote, state) = (fields.next()?, fields.next()?);
    (state == ESTABLISHED).then(|| address(remote)).flatten()
}

/// `0100007F:1F90`: an address as it lies in memory, and a port as one reads it.
fn address(text: &str) -> Option<SocketAddrV4> {
    let (address, port) = text.split_once(':')?;
    let address = Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?.to_ne_bytes());
    Some(SocketAddrV4::new(address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_known_until_one_side_closes_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(address).unwrap();
        let std::net::SocketAddr::V4(from) = client.local_addr().unwrap() else { panic!("an IPv4 address") };
        let (accepted, _) = listener.accept().unwrap();
        assert!(connected_to(address.port()).unwrap().contains(&from));
        drop(accepted);
        assert!(!connected_to(address.port()).unwrap().contains(&from));
    }
}
