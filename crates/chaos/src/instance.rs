//! An instance of a service: a process that can be killed, stopped, and told by signals to fail
//! in ways of its own.

use std::{
    cell::Cell,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use socket2::SockRef;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    task::spawn_local,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::derive_accept_key, protocol::Role},
};

use crate::{
    thing::{EVENTS, PIECE, SOCKET, Thing},
    wire::{Head, Wire},
};

/// How long it fails after a signal.
const SPELL: Duration = Duration::from_millis(300);

/// How often an event is sent.
const EVENT: Duration = Duration::from_millis(100);

/// A way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failing {
    /// Connections are reset after the request has been read (SIGUSR1).
    Reset,
    /// Half of each body is sent (SIGUSR2).
    Half,
}

#[derive(Debug)]
struct State {
    /// What reached it, a line each: written before anything is done about it.
    record: File,
    failing: Cell<Option<(Failing, Instant)>>,
}

impl State {
    fn note(&self, what: &str, id: u64) -> io::Result<()> {
        (&self.record).write_all(format!("{what} {id}\n").as_bytes())
    }

    fn failing(&self) -> Option<Failing> {
        self.failing.get().filter(|(_, since)| since.elapsed() < SPELL).map(|(how, _)| how)
    }
}

/// Serves for ever on a port of 127.0.0.1.
pub(crate) async fn serve(port: u16, record: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let record = OpenOptions::new().create(true).append(true).open(record)?;
    let state = Rc::new(State { record, failing: Cell::default() });
    let (mut reset, mut half) = (signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                let state = Rc::clone(&state);
                // Tolerated: whoever called may be gone.
                spawn_local(async move { drop(converse(stream, &state).await) });
            }
            _ = reset.recv() => state.failing.set(Some((Failing::Reset, Instant::now()))),
            _ = half.recv() => state.failing.set(Some((Failing::Half, Instant::now()))),
        }
    }
}

async fn converse(stream: TcpStream, state: &State) -> io::Result<()> {
    let mut wire = Wire::new(stream);
    while let Some(head) = wire.head().await? {
        match head.word(1).split('?').next().unwrap_or_default() {
            EVENTS => return events(&mut wire).await,
            SOCKET => return socket(wire, &head).await,
            "/readyz" => wire.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?,
            _ => match Thing::asked(head.word(1)) {
                Some(thing) => give(&mut wire, &head, thing, state).await?,
                None => wire.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await?,
            },
        }
    }
    Ok(())
}

/// Gives a thing; an error ends the connection.
async fn give(wire: &mut Wire<TcpStream>, head: &Head, thing: Thing, state: &State) -> io::Result<()> {
    state.note(head.word(0), thing.id)?;
    let body = wire.body(head).await?;
    if head.word(0) == "POST" && !thing.is(&body) {
        return wire.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    }
    tokio::time::sleep(thing.delay).await;
    let end = match state.failing() {
        Some(Failing::Reset) => {
            SockRef::from(wire.stream.get_ref()).set_linger(Some(Duration::ZERO))?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Some(Failing::Half) => thing.bytes / 2,
        None => thing.bytes,
    };
    if end < thing.bytes {
        state.note("half", thing.id)?;
    }
    send(wire, thing, end).await?;
    if end < thing.bytes { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
}

/// Sends so much of it, in pieces that each leave whole or not at all: with its length, or in chunks if its number is odd.
async fn send(wire: &mut Wire<TcpStream>, thing: Thing, end: u64) -> io::Result<()> {
    let is_chunked = thing.id % 2 == 1;
    let framing = match is_chunked {
        true => "transfer-encoding: chunked".to_owned(),
        false => format!("content-length: {}", thing.bytes),
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n{framing}\r\n\r\n");
    let (mut piece, mut sent) = (head.into_bytes(), 0);
    loop {
        let bytes = thing.slice(sent, end.min(sent + PIECE));
        sent = end.min(sent + PIECE);
        if is_chunked && !bytes.is_empty() {
            piece.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
            piece.extend_from_slice(bytes);
            piece.extend_from_slice(b"\r\n");
        } else {
            piece.extend_from_slice(bytes);
        }
        if sent == thing.bytes && is_chunked {
            piece.extend_from_slice(b"0\r\n\r\n");
        }
        wire.write(&piece).await?;
        piece.clear();
        if sent >= end {
            return Ok(());
        }
    }
}

/// Events without an end.
async fn events(wire: &mut Wire<TcpStream>) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    wire.write(head.as_bytes()).await?;
    for number in 0.. {
        let event = format!("id: {number}\ndata: {number}\n\n");
        wire.write(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await?;
        tokio::time::sleep(EVENT).await;
    }
    Ok(())
}

/// A socket that says back what it hears.
async fn socket(mut wire: Wire<TcpStream>, head: &Head) -> io::Result<()> {
    let accept = derive_accept_key(head.header("sec-websocket-key").unwrap_or_default().as_bytes());
    let switch = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    );
    wire.write(switch.as_bytes()).await?;
    wire.stream.flush().await?;
    let mut socket = WebSocketStream::from_raw_socket(wire.stream, Role::Server, None).await;
    while let Some(Ok(message)) = socket.next().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
    Ok(())
}
