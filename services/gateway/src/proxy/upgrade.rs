//! WebSockets: after both sides have switched, bytes are copied both ways, until one
//! ends, or the caller's credential or this process does.

use std::{convert::Infallible, io};

use actix_web::{HttpResponse, http::StatusCode, web};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future::BoxFuture, stream};
use hyper::{Response, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use identity::End;
use service_discovery::Service;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use super::{admit::sets_cookies, body::Download, ending::Ending, headers::to_client};

/// How many chunks wait for a slow client.
const CHUNKS: usize = 4;

const CHUNK_BYTES: usize = 16 * 1024;

/// A close frame with status 1008, policy violation, or 1001, going away (RFC 6455 sections 5.5.1
/// and 7.4.1).
const fn close(ending: Ending) -> &'static [u8] {
    match ending {
        Ending::Credential(End::Expired) => b"\x88\x14\x03\xf0the token expired.",
        Ending::Credential(End::Revoked) => b"\x88\x18\x03\xf0the token was revoked.",
        Ending::Closing => b"\x88\x19\x03\xe9the gateway is leaving.",
    }
}

/// Switches the client's side as the service has switched its own, until it has `ended`.
pub(super) fn switch(
    from: Service,
    mut answer: Response<Download>,
    payload: web::Payload,
    ended: BoxFuture<'static, Ending>,
) -> HttpResponse {
    let service = hyper::upgrade::on(&mut answer);
    let (head, body) = answer.into_parts();
    let (sender, receiver) = mpsc::channel(CHUNKS);
    actix_web::rt::spawn(async move {
        // As long as this is there, the instance has one more request.
        let _body = body;
        tokio::select! {
            outcome = relay(service, payload, &sender) => if let Err(why) = outcome {
                tracing::debug!(%why, "a WebSocket broke off");
            },
            // Tolerated: the client may be gone.
            end = ended => drop(sender.send(Bytes::from_static(close(end))).await),
        }
    });
    let mut response = HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS);
    for (name, value) in to_client(&head.headers, sets_cookies(from)) {
        response.append_header((name, value));
    }
    let chunks = stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, Infallible>(chunk), receiver))
    });
    response.upgrade("websocket").streaming(Box::pin(chunks))
}

/// Copies both ways; the end of one side ends both.
async fn relay(
    service: OnUpgrade,
    mut payload: web::Payload,
    client: &mpsc::Sender<Bytes>,
) -> io::Result<()> {
    let service = TokioIo::new(service.await.map_err(io::Error::other)?);
    let (mut from_service, mut to_service) = tokio::io::split(service);
    let upward = async {
        while let Some(chunk) = payload.next().await {
            to_service.write_all(&chunk.map_err(io::Error::other)?).await?;
        }
        to_service.shutdown().await
    };
    let downward = async {
        loop {
            let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
            if from_service.read_buf(&mut chunk).await? == 0 || client.send(chunk.freeze()).await.is_err() {
                return Ok(());
            }
        }
    };
    tokio::select! {
        ended = upward => ended,
        ended = downward => ended,
    }
}
