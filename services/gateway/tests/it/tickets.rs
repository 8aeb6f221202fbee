//! WebSockets that a browser opens: by a ticket or a cookie, from pages that may.

use futures_util::{SinkExt, StreamExt, future::join_all};
use identity::Revocation;
use reqwest::Method;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

use crate::{
    auth::Auth,
    spawn::{Gateway, ORIGIN, TRUSTED, World, problem},
    upstream::Upstream,
};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

const EVIL: &str = "https://evil.example.com";

/// With a service that has WebSockets.
async fn spawn() -> World {
    let (auth, upstream) = (Auth::start(), Upstream::start("agents"));
    let gateway = Gateway::start(&[
        ("AUTH_INTERNAL_URL", &auth.url),
        ("AUTH_SERVICE_URL", &upstream.url),
        ("PREFS_SERVICE_URL", &upstream.url),
        ("AGENTS_SERVICE_URL", &upstream.url),
        ("GATEWAY__SERVICES", "auth,prefs,agents"),
    ])
    .await;
    testing::until_ready(&format!("http://{}", gateway.address)).await;
    World { auth, upstream, gateway }
}

/// Opens a WebSocket at `target`; what is refused is its status.
async fn open(world: &World, target: &str, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
    let url = format!("ws://{}{target}", world.gateway.address);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

async fn status(world: &World, target: &str, headers: &[(&'static str, &str)]) -> u16 {
    open(world, target, headers).await.map_or_else(|status| status, |_| 101)
}

#[actix_web::test]
async fn a_ticket_opens_one_socket_and_goes_no_further() {
    let world = spawn().await;
    let ticket = world.auth.ticket();
    let target = format!("/ws/ses_1/socket?ticket={ticket}&since=7");
    let mut socket = open(&world, &target, &[("origin", TRUSTED)]).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    let seen = world.upstream.last();
    assert_eq!((seen.target.as_str(), &seen.claims()["aud"]), ("/ws/ses_1/socket?since=7", &"agents".into()));
    assert!(!format!("{seen:?}").contains("plt_"), "the ticket goes no further");
    assert_eq!(status(&world, &target, &[]).await, 401, "it is used up");
}

#[actix_web::test]
async fn of_fifty_sockets_with_one_ticket_one_opens() {
    let world = spawn().await;
    let target = format!("/ws/ses_1/socket?ticket={}", world.auth.ticket());
    let all = join_all((0..50).map(|_| status(&world, &target, &[]))).await;
    assert_eq!(all.iter().filter(|status| **status == 101).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|status| **status == 401).count(), 49, "{all:?}");
}

#[actix_web::test]
async fn a_socket_that_a_ticket_opened_ends_with_the_session_behind_it() {
    let world = spawn().await;
    let target = format!("/ws/ses_1/socket?ticket={}", world.auth.ticket());
    let mut socket = open(&world, &target, &[]).await.unwrap();
    let key = world.auth.state.holder.lock().unwrap().2;
    world.auth.revoke(Revocation::of_api_key(key));
    let Some(Ok(Message::Close(Some(close)))) = socket.next().await else { panic!("no close frame") };
    assert_eq!((close.code, close.reason.as_str()), (CloseCode::Policy, "the token was revoked."));
}

#[actix_web::test]
async fn a_ticket_opens_nothing_elsewhere() {
    let world = spawn().await;
    let ticket = world.auth.ticket();
    let response = world.gateway.get(&format!("/api/v1/prefs?ticket={ticket}")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(world.upstream.last().header("authorization"), None, "it is nobody's");
    for credential in [("authorization", format!("Bearer {ticket}")), ("x-api-key", ticket.clone())] {
        let request = world.gateway.get("/api/v1/prefs").header(credential.0, credential.1);
        assert_eq!(problem(request).await.0, 401);
    }
    assert_eq!(world.auth.exchanges(), 0);
    let token = world.auth.token();
    let both = world.gateway.get_with(&format!("/ws/x?ticket={ticket}"), &token);
    assert_eq!(problem(both).await, (400, "credential_ambiguous".to_owned()));
    let rubbish = world.gateway.get("/ws/x?ticket=rubbish");
    assert_eq!(problem(rubbish).await, (401, "ws_ticket_invalid".to_owned()));
}

#[actix_web::test]
async fn a_foreign_page_opens_no_socket() {
    let world = spawn().await;
    let (token, cookie) = (format!("Bearer {}", world.auth.token()), world.auth.cookie());
    let path = "/ws/ses_1/socket";
    for foreign in [EVIL, "null"] {
        let with_ticket = format!("{path}?ticket={}", world.auth.ticket());
        assert_eq!(status(&world, &with_ticket, &[("origin", foreign)]).await, 403);
        assert_eq!(status(&world, path, &[("origin", foreign), ("authorization", &token)]).await, 403);
        assert_eq!(status(&world, path, &[("origin", foreign), ("cookie", &cookie)]).await, 403);
        assert_eq!(status(&world, path, &[("origin", foreign)]).await, 403);
        assert_eq!(status(&world, &with_ticket, &[("origin", ORIGIN)]).await, 101, "and uses no ticket up");
    }
    assert_eq!(world.upstream.seen().len(), 2);
}

#[actix_web::test]
async fn a_cookie_opens_a_socket_for_our_pages_alone() {
    let world = spawn().await;
    let cookie = world.auth.cookie();
    let path = "/ws/ses_1/socket";
    assert_eq!(status(&world, path, &[("cookie", &cookie)]).await, 403, "a page is wanted");
    for origin in [ORIGIN, TRUSTED] {
        assert_eq!(status(&world, path, &[("cookie", &cookie), ("origin", origin)]).await, 101);
    }
    assert_eq!(world.upstream.last().header("cookie"), None);
}

#[actix_web::test]
async fn a_ticket_while_auth_is_down_is_said_to_be_worth_another_try() {
    let world = spawn().await;
    world.auth.set_down(true);
    let request = world.gateway.request(Method::GET, &format!("/ws/x?ticket={}", world.auth.ticket()));
    assert_eq!(problem(request).await, (503, "auth_unavailable".to_owned()));
}
