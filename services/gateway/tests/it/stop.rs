use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

use crate::{
    spawn::{World, spawn},
    websocket,
};

#[actix_web::test]
async fn what_runs_is_finished_and_then_the_gateway_ends() {
    let mut world = spawn().await;
    let slow = actix_web::rt::spawn(world.gateway.get("/api/v1/prefs/slow").send());
    crate::spawn::eventually("the request", || !world.upstream.seen().is_empty()).await;
    world.gateway.stop();
    let response = slow.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(response.text().await.unwrap(), r#"{"slow":true}"#);
    let ended = tokio::time::timeout(Duration::from_secs(5), &mut world.gateway.ended).await;
    ended.unwrap().unwrap().unwrap();
    assert!(world.gateway.get("/healthz").send().await.is_err());
}

/// That it ends, and before it would cut what is left.
async fn ends(world: &mut World) {
    let ended = tokio::time::timeout(Duration::from_secs(5), &mut world.gateway.ended).await;
    ended.unwrap().unwrap().unwrap();
}

#[actix_web::test]
async fn a_stream_of_events_has_a_proper_end_when_the_gateway_stops() {
    let mut world = spawn().await;
    let mut events = world.gateway.get("/api/v1/prefs/endless").send().await.unwrap();
    assert!(events.chunk().await.unwrap().is_some());
    world.gateway.stop();
    while let Some(event) = events.chunk().await.expect("a stream that is cut has no end") {
        assert!(!event.is_empty());
    }
    ends(&mut world).await;
}

#[actix_web::test]
async fn a_socket_is_closed_with_a_reason_when_the_gateway_stops() {
    let mut world = spawn().await;
    for token in [None, Some(world.auth.token())] {
        let mut socket = websocket::open(&world, token.as_deref()).await.unwrap();
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
        if token.is_some() {
            world.gateway.stop();
            let Some(Ok(Message::Close(Some(close)))) = socket.next().await else { panic!("no close frame") };
            assert_eq!((close.code, close.reason.as_str()), (CloseCode::Away, "the gateway is leaving."));
        }
    }
    ends(&mut world).await;
}
