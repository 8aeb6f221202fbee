//! Bodies as streams in both directions: at most a few chunks of each are in memory,
//! and whoever reads slowly slows the other side down.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest,
    error::PayloadError,
    http::{
        Version,
        header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    },
    web,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hyper::body::{Body, Frame, SizeHint};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use super::{ProxyError, balance::Chosen, client::Arriving, pace::Pace};
use crate::settings::Limits;

/// How many chunks wait between the client and the service.
const CHUNKS: usize = 4;

/// The body of a request on its way to a service. A clone is the same body: for another
/// instance, when the first took no connection and so nothing of it.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    chunks: Option<Arc<Mutex<Chunks>>>,
    declared: Option<u64>,
    /// Nothing comes; it closes at the end.
    end: Option<watch::Receiver<()>>,
}

type Chunks = mpsc::Receiver<Result<Bytes, UploadFault>>;

/// The body of an answer. Its instance has one more request as long as it comes.
#[derive(Debug)]
pub(super) struct Download {
    body: Arriving,
    _chosen: Chosen,
}

/// Why a body did not arrive in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UploadFault {
    #[error("it is larger than is accepted")]
    TooLarge,
    #[error("it stopped coming")]
    Interrupted,
    #[error("it came too slowly")]
    Slow,
}

impl Upload {
    pub(super) const fn nothing() -> Self {
        Self { chunks: None, declared: Some(0), end: None }
    }

    /// Takes the body of `request`. Its first chunk is awaited here: what is broken from
    /// the start is refused before a service hears of it, and while actix still listens.
    ///
    /// # Errors
    /// [`ProxyError::TooLarge`] when too much is declared, before a byte is read;
    /// [`ProxyError::Interrupted`] when no first chunk comes.
    pub(super) async fn of(
        request: &HttpRequest,
        mut payload: web::Payload,
        limits: Limits,
    ) -> Result<Self, ProxyError> {
        let declared = declared(request);
        if declared.is_some_and(|length| length > limits.max_body) {
            return Err(ProxyError::TooLarge(limits.max_body));
        }
        // HTTP/2 says with its last frame that there is no body, or no more.
        let framed = request.version() == Version::HTTP_2 && declared.is_none();
        let chunked = framed || request.headers().contains_key(TRANSFER_ENCODING);
        if !chunked && declared.unwrap_or(0) == 0 {
            return Ok(Self::nothing());
        }
        let first = match timeout(limits.upload_idle, payload.next()).await {
            Ok(None) if chunked => return Ok(Self::nothing()),
            Ok(Some(Ok(first))) => first,
            Ok(None | Some(Err(_))) | Err(_) => return Err(ProxyError::Interrupted),
        };
        let (sender, chunks) = mpsc::channel(CHUNKS);
        let (ended, end) = watch::channel(());
        actix_web::rt::spawn(async move {
            pump(stream::iter([Ok(first)]).chain(payload), sender, limits).await;
            drop(ended);
        });
        Ok(Self { chunks: Some(Arc::new(Mutex::new(chunks))), declared, end: Some(end) })
    }

    /// Ends when all of it has been taken from the client.
    pub(super) fn end(&self) -> impl Future<Output = ()> + use<> {
        let end = self.end.clone();
        async {
            if let Some(mut end) = end {
                // That it is closed is what is awaited.
                let _ = end.changed().await;
            }
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.chunks.is_none()
    }
}

fn declared(request: &HttpRequest) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Hands the client's chunks on until the end, a fault, or nobody listens any more.
async fn pump(
    mut payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    sender: mpsc::Sender<Result<Bytes, UploadFault>>,
    limits: Limits,
) {
    let (mut left, mut pace) = (limits.max_body, Pace::of(limits.least_rate));
    loop {
        let awaited = Instant::now();
        let chunk = tokio::select! {
            () = sender.closed() => return,
            chunk = timeout(limits.upload_idle, payload.next()) => match chunk {
                Ok(None) => return,
                Ok(Some(Ok(chunk))) => Ok(chunk),
                Ok(Some(Err(_))) | Err(_) => Err(UploadFault::Interrupted),
            },
        };
        let chunk = chunk.and_then(|chunk| {
            let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            left = left.checked_sub(length).ok_or(UploadFault::TooLarge)?;
            pace.count(chunk.len(), awaited.elapsed()).map_err(|_slow| UploadFault::Slow)?;
            Ok(chunk)
        });
        let failed = chunk.is_err();
        if sender.send(chunk).await.is_err() || failed {
            return;
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        let Some(chunks) = &self.chunks else { return Poll::Ready(None) };
        let mut chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.poll_recv(context).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Download {
    pub(super) const fn new(body: Arriving, chosen: Chosen) -> Self {
        Self { body, _chosen: chosen }
    }
}

/// The body of an answer; it fails when nothing comes for long, or when its client takes it
/// too slowly.
pub(super) fn download(
    body: Download,
    limits: Limits,
) -> impl Stream<Item = Result<Bytes, io::Error>> + use<> {
    let begun = Progress { body, pace: Pace::of(limits.least_rate), handed: None };
    stream::unfold(Some(begun), move |progress| async move {
        let Progress { mut body, mut pace, handed } = progress?;
        // From handing a chunk on until the next is wanted, the client is waited for.
        if let Some((bytes, at)) = handed
            && let Err(why) = pace.count(bytes, Instant::now() - at)
        {
            return Some((Err(io::Error::new(io::ErrorKind::TimedOut, why)), None));
        }
        match next_chunk(&mut body.body, limits.body_idle).await? {
            Ok(chunk) => {
                let handed = Some((chunk.len(), Instant::now()));
                Some((Ok(chunk), Some(Progress { body, pace, handed })))
            }
            Err(why) => {
                // In a turn of its own: actix forgets with it what it has not yet written,
                // the head among it.
                tokio::task::yield_now().await;
                Some((Err(why), None))
            }
        }
    })
}

/// An answer on its way to its client.
struct Progress {
    body: Download,
    pace: Pace,
    /// The last chunk that was handed on: its length, and when.
    handed: Option<(usize, Instant)>,
}

async fn next_chunk(body: &mut Arriving, idle: Duration) -> Option<Result<Bytes, io::Error>> {
    loop {
        let frame = std::future::poll_fn(|context| body.poll_frame(context));
        let frame = match timeout(idle, frame).await {
            Ok(frame) => frame?.map_err(io::Error::other),
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        };
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => return Some(Ok(data)),
            Ok(Err(_trailers)) => {}
            Err(why) => return Some(Err(why)),
        }
    }
}
