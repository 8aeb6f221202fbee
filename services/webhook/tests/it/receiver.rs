use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A customer's server: writes down what is posted to it, and answers all alike.
pub(crate) struct Receiver {
    pub(crate) url: String,
    posted: Arc<Mutex<Vec<Posted>>>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) at: Instant,
    pub(crate) body: Vec<u8>,
}

impl Receiver {
    pub(crate) async fn answering(answer: &'static str) -> Self {
        Self::answering_in_turn(vec![answer.to_owned()]).await
    }

    /// The last one again and again.
    pub(crate) async fn answering_in_turn(answers: Vec<String>) -> Self {
        Self::serving(move |place, _| answers[place.min(answers.len() - 1)].clone()).await
    }

    /// As it judges each request.
    pub(crate) async fn judging(judge: fn(&Posted) -> String) -> Self {
        Self::serving(move |_, post| judge(post)).await
    }

    /// What it answers to a request, of which there were so many before.
    async fn serving(answer: impl Fn(usize, &Posted) -> String + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let posted = Arc::<Mutex<Vec<Posted>>>::default();
        let written = Arc::clone(&posted);
        tokio::task::spawn_local(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read(&mut stream).await else { continue };
                let answer = answer(written.lock().unwrap().len(), &request);
                written.lock().unwrap().push(request);
                // Tolerated: who called may be gone.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, posted }
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap().clone()
    }
}

impl Posted {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Posted> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: HeaderMap = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
        })
        .collect();
    let length: usize = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Posted { line, headers, at: Instant::now(), body })
}
