//! A client that keeps its connection, as browsers and other services do.

use std::{
    cell::Cell,
    io,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
};

use tokio::net::{TcpSocket, TcpStream};

use crate::wire::{Head, Request, Wire};

/// The port of 127.0.0.1 that new connections go to; others may change it.
pub(crate) type Port = Rc<Cell<u16>>;

/// One that sends a request after the other.
#[derive(Debug)]
pub(crate) struct Client {
    /// Where it is: all of 127.0.0.0/8 is this machine.
    from: Ipv4Addr,
    to: Port,
    wire: Option<Wire<TcpStream>>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// No connection.
    #[error("no connection: {0}")]
    Refused(io::Error),
    /// The connection ended before an answer began.
    #[error("cut before an answer: {0}")]
    Cut(io::Error),
    /// The answer broke off.
    #[error("the answer broke off: {0}")]
    Broken(io::Error),
}

impl Client {
    pub(crate) fn new(to: &Port) -> Self {
        Self::at(Ipv4Addr::LOCALHOST, to)
    }

    pub(crate) fn at(from: Ipv4Addr, to: &Port) -> Self {
        Self { from, to: Rc::clone(to), wire: None }
    }

    /// Sends it on the connection that is kept, or on a new one. It is sent once: whoever wants
    /// it again asks again.
    pub(crate) async fn send(&mut self, request: &Request) -> Result<Answer, Fault> {
        // Whoever gives up waiting has no connection then: an answer is never taken for another's.
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => connect(self.from, self.to.get()).await.map_err(Fault::Refused)?,
        };
        let head = exchange(&mut wire, request).await.map_err(Fault::Cut)?;
        let body = wire.body(&head).await.map_err(Fault::Broken)?;
        if !head.header("connection").is_some_and(|connection| connection.eq_ignore_ascii_case("close")) {
            self.wire = Some(wire);
        }
        let status = head.word(1).parse().map_err(|_none| Fault::Broken(io::Error::other("no status")))?;
        Ok(Answer { status, head, body })
    }
}

/// Sends a request, and reads the head of its answer.
pub(crate) async fn exchange(wire: &mut Wire<TcpStream>, request: &Request) -> io::Result<Head> {
    wire.write(&request.bytes()).await?;
    wire.head().await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// A connection from that address.
pub(crate) async fn connect(from: Ipv4Addr, port: u16) -> io::Result<Wire<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    if from != Ipv4Addr::LOCALHOST {
        socket.bind((from, 0).into())?;
    }
    let stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    stream.set_nodelay(true)?;
    Ok(Wire::new(stream))
}

/// The address with that number, of those that are this machine.
pub(crate) fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + number)
}
