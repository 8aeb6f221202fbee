use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A host that answers each connection's first request with these bytes, as often as is said,
/// with a pause after each time, and then closes.
pub(crate) struct Server {
    pub(crate) port: u16,
    requests: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    last: Arc<std::sync::Mutex<String>>,
}

/// What is sent after the head.
#[derive(Clone, Default)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) times: usize,
    pub(crate) pause: Duration,
}

impl Server {
    /// One that says `head` and nothing more.
    pub(crate) async fn saying(address: &str, head: impl Into<String>) -> Self {
        Self::sending(address, head, Body::default()).await
    }

    pub(crate) async fn sending(address: &str, head: impl Into<String>, body: Body) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let head = head.into().replace("PORT", &port.to_string());
        let server = Self { port, requests: Arc::default(), sent: Arc::default(), last: Arc::default() };
        let (requests, sent, last) =
            (Arc::clone(&server.requests), Arc::clone(&server.sent), Arc::clone(&server.last));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                requests.fetch_add(1, SeqCst);
                let (head, body, sent, last) =
                    (head.clone(), body.clone(), Arc::clone(&sent), Arc::clone(&last));
                // Tolerated: the caller may be gone.
                tokio::spawn(async move { drop(serve(stream, &head, &body, &sent, &last).await) });
            }
        });
        server
    }

    /// How many connections were made to it.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }

    /// How many bytes of bodies it could send.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(SeqCst)
    }

    /// The last request's head.
    pub(crate) fn last(&self) -> String {
        self.last.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    head: &str,
    body: &Body,
    sent: &AtomicUsize,
    last: &std::sync::Mutex<String>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    *last.lock().unwrap() = String::from_utf8_lossy(&request).into_owned();
    stream.write_all(head.as_bytes()).await?;
    for _ in 0..body.times {
        stream.write_all(&body.bytes).await?;
        sent.fetch_add(body.bytes.len(), SeqCst);
        tokio::time::sleep(body.pause).await;
    }
    stream.shutdown().await
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
