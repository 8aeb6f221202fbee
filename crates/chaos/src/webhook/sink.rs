//! A receiver that writes down what came, and fails when it is told to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

const GOOD: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const BAD: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

/// A delivery that was taken.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) at: Instant,
}

/// What is done at one path.
#[derive(Default)]
struct Place {
    taken: Vec<Taken>,
    /// The share of requests that fail, from 0 to 1.
    failing: f64,
}

type Places = Arc<Mutex<HashMap<String, Place>>>;

/// It ends with the process.
pub(super) struct Sink {
    url: String,
    places: Places,
}

impl Sink {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (url, places) = (format!("http://{}", listener.local_addr()?), Places::default());
        let shared = Arc::clone(&places);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Tolerated: who called may be killed at any moment.
                let places = Arc::clone(&shared);
                tokio::task::spawn_local(async move { serve(stream, &places).await.ok() });
            }
        });
        Ok(Self { url, places })
    }

    pub(super) fn url(&self, place: &str) -> String {
        format!("{}/{place}", self.url)
    }

    /// Has this share of the requests to a place fail.
    pub(super) fn fail(&self, place: &str, share: f64) {
        lock(&self.places).entry(format!("/{place}")).or_default().failing = share;
    }

    /// What was taken at a place, in the order in which it came.
    pub(super) fn taken(&self, place: &str) -> Vec<Taken> {
        lock(&self.places).get(&format!("/{place}")).map(|place| place.taken.clone()).unwrap_or_default()
    }

    /// How much was taken at a place.
    pub(super) fn count(&self, place: &str) -> usize {
        lock(&self.places).get(&format!("/{place}")).map_or(0, |place| place.taken.len())
    }

    /// Waits until so many were taken at a place.
    pub(super) async fn until(&self, place: &str, count: usize, patience: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.count(place) < count {
            let came = self.count(place);
            anyhow::ensure!(began.elapsed() < patience, "{came} came to {place}, and not {count}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

fn lock(places: &Places) -> MutexGuard<'_, HashMap<String, Place>> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request after the other, as long as the connection is kept.
async fn serve(stream: TcpStream, places: &Places) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).context("no request line")?.to_owned();
        let (mut id, mut length) = (String::new(), 0);
        loop {
            line.clear();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name {
                "webhook-id" => value.clone_into(&mut id),
                "content-length" => length = value.parse()?,
                _ => {}
            }
        }
        stream.read_exact(&mut vec![0; length]).await?;
        let answer = answer(places, path, id);
        stream.get_mut().write_all(answer).await?;
    }
}

fn answer(places: &Places, path: String, id: String) -> &'static [u8] {
    let mut places = lock(places);
    let place = places.entry(path).or_default();
    if fastrand::f64() < place.failing {
        return BAD;
    }
    place.taken.push(Taken { id, at: Instant::now() });
    GOOD
}
