use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use identity::Claims;
use ids::Timestamp;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

use crate::{
    auth::claims,
    raw,
    spawn::{World, spawn},
};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

pub(crate) async fn open(world: &World, token: Option<&str>) -> Result<Socket, Error> {
    let mut request =
        format!("ws://{}/api/v1/prefs/socket", world.gateway.address).into_client_request().unwrap();
    if let Some(token) = token {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

#[actix_web::test]
async fn messages_go_both_ways_until_one_side_closes() {
    let world = spawn().await;
    let mut socket = open(&world, Some(&world.auth.token())).await.unwrap();
    for size in [1, 1000, 60_000] {
        socket.send(Message::text("x".repeat(size))).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert_eq!(answer.len(), size);
    }
    assert_eq!(world.upstream.last().claims()["aud"], "prefs");
    socket.close(None).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        assert!(message.is_close(), "{message:?}");
    }
}

#[actix_web::test]
async fn a_socket_ends_with_its_token() {
    let world = spawn().await;
    let exp = (Timestamp::now() + Duration::from_secs(2)).unix_seconds();
    let mut socket = open(&world, Some(&world.auth.sign(&Claims { exp, ..claims() }))).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    let Some(Ok(Message::Close(Some(close)))) = socket.next().await else { panic!("no close frame") };
    assert_eq!((close.code, close.reason.as_str()), (CloseCode::Policy, "the token expired."));
}

#[actix_web::test]
async fn a_bad_token_opens_no_socket() {
    let world = spawn().await;
    let Err(Error::Http(response)) = open(&world, Some("rubbish")).await else { panic!("opened") };
    assert_eq!(response.status(), 401);
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn a_service_that_does_not_switch_just_answers() {
    let world = spawn().await;
    let request = format!("ws://{}/api/v1/prefs", world.gateway.address).into_client_request().unwrap();
    let Err(Error::Http(response)) = connect_async(request).await else { panic!("opened") };
    assert_eq!(response.status(), 200);
}

#[actix_web::test]
async fn no_other_upgrade_passes() {
    let world = spawn().await;
    for upgrade in ["foo", "h2c"] {
        let request = format!(
            "GET /api/v1/prefs HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n\r\n\
             GET /api/v1/prefs/smuggled HTTP/1.1\r\nHost: x\r\nX-User-Id: 1\r\n\r\n"
        );
        raw::exchange(&world.gateway.address, request.as_bytes()).await;
        for seen in world.upstream.seen() {
            assert_eq!((seen.header("upgrade"), seen.header("x-user-id")), (None, None));
        }
    }
}
