//! A service that speaks HTTP/2 in clear text, frame by frame (RFC 9113), and ends requests in
//! ways that no server's library would.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What comes before the first frame (section 3.4).
const PREFACE: usize = 24;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM_AND_HEADERS: u8 = 5;
const REFUSED_STREAM: u32 = 7;
/// `:status: 200` (RFC 7541, appendix A).
const STATUS_200: &[u8] = &[0x88];

/// How a request ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// With 200, and no body.
    Answered,
    /// Reset, since nothing was done with it (section 8.7).
    Refused,
    /// The connection ends in order, and this request is none of those that were looked at.
    LeftOut,
    /// The connection ends in order, and this request may have been looked at.
    GivenUp,
    /// The connection breaks.
    Cut,
}

/// Of all requests the first ends as said, and all others are answered. Counts them.
pub(crate) struct Scripted {
    pub(crate) url: String,
    count: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) async fn start(ends: &'static [End]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}?http2=true", listener.local_addr().unwrap());
        let (count, connections) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (counted, opened) = (Arc::clone(&count), Arc::clone(&connections));
        actix_web::rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                opened.fetch_add(1, SeqCst);
                let counted = Arc::clone(&counted);
                // Tolerated: a connection that the gateway ends.
                actix_web::rt::spawn(async move { drop(serve(stream, ends, &counted).await) });
            }
        });
        Self { url, count, connections }
    }

    /// How many requests have come.
    pub(crate) fn count(&self) -> usize {
        self.count.load(SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

async fn serve(mut stream: TcpStream, ends: &[End], count: &AtomicUsize) -> std::io::Result<()> {
    stream.read_exact(&mut [0; PREFACE]).await?;
    write(&mut stream, SETTINGS, 0, 0, &[]).await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [a, b, c, kind, flags, id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload).await?;
        let id = u32::from_be_bytes(id);
        match kind {
            SETTINGS | PING if flags & ACK == 0 => {
                let payload = if kind == PING { &payload[..] } else { &[] };
                write(&mut stream, kind, ACK, 0, payload).await?;
            }
            HEADERS => {
                let end = ends.get(count.fetch_add(1, SeqCst)).copied().unwrap_or(End::Answered);
                if !finish(&mut stream, end, id).await? {
                    return close(stream, end).await;
                }
            }
            _ => {}
        }
    }
}

/// Whether the connection goes on.
async fn finish(stream: &mut TcpStream, end: End, id: u32) -> std::io::Result<bool> {
    let go_away = |last: u32| [last.to_be_bytes(), [0; 4]].concat();
    match end {
        End::Answered => write(stream, HEADERS, END_STREAM_AND_HEADERS, id, STATUS_200).await?,
        End::Refused => write(stream, RST_STREAM, 0, id, &REFUSED_STREAM.to_be_bytes()).await?,
        End::LeftOut => write(stream, GOAWAY, 0, 0, &go_away(id - 1)).await?,
        End::GivenUp => write(stream, GOAWAY, 0, 0, &go_away(id)).await?,
        End::Cut => {}
    }
    Ok(matches!(end, End::Answered | End::Refused))
}

/// In order, the other side reads what was written last before it hears of the end.
async fn close(mut stream: TcpStream, end: End) -> std::io::Result<()> {
    if !matches!(end, End::Cut) {
        stream.shutdown().await?;
        while stream.read(&mut [0; 1024]).await? > 0 {}
    }
    Ok(())
}

async fn write(stream: &mut TcpStream, kind: u8, flags: u8, id: u32, payload: &[u8]) -> std::io::Result<()> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    let head = [&[a, b, c, kind, flags][..], &id.to_be_bytes()].concat();
    stream.write_all(&[&head[..], payload].concat()).await
}
