//! What was revoked is felt at the edge within the second, open streams included.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use identity::{Claims, Revocation};
use ids::{SessionId, Timestamp};
use reqwest::StatusCode;
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

use crate::{
    auth::claims,
    spawn::{Gateway, World, problem, spawn},
    websocket,
};

const PATH: &str = "/api/v1/prefs";

/// Asks until the answer is `wanted`; gives how often another came before.
async fn until(wanted: u16, mut ask: impl AsyncFnMut() -> u16) -> u32 {
    for turn in 0..600 {
        if ask().await == wanted {
            return turn;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never {wanted}");
}

async fn status(world: &World, credential: &str) -> u16 {
    world.gateway.get_with(PATH, credential).send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn a_revoked_token_is_refused_and_others_go_on() {
    let world = spawn().await;
    let (ada, eve) = (claims(), claims());
    let [adas, eves, newer] =
        [&ada, &eve, &Claims { ver: ada.ver + 1, ..ada.clone() }].map(|claims| world.auth.sign(claims));
    assert_eq!((status(&world, &adas).await, status(&world, &eves).await), (200, 200));
    world.auth.revoke(Revocation::of_user(ada.sub.parse().unwrap(), ada.ver + 1));
    until(401, async || status(&world, &adas).await).await;
    let told = world.gateway.get_with(PATH, &adas).send().await.unwrap();
    assert_eq!(told.headers()["www-authenticate"], r#"Bearer error="invalid_token""#);
    assert_eq!(problem(world.gateway.get_with(PATH, &adas)).await, (401, "token_revoked".to_owned()));
    assert_eq!((status(&world, &newer).await, status(&world, &eves).await), (200, 200));
    world.auth.revoke(Revocation::of_session(eve.sid.unwrap().parse().unwrap()));
    until(401, async || status(&world, &eves).await).await;
    assert_eq!(status(&world, &newer).await, 200);
}

#[actix_web::test]
async fn a_gateway_that_starts_knows_what_was_revoked_before() {
    let world = spawn().await;
    let ada = claims();
    world.auth.revoke(Revocation::of_session(ada.sid.clone().unwrap().parse().unwrap()));
    let late =
        Gateway::start(&[("AUTH_INTERNAL_URL", &world.auth.url), ("PREFS_SERVICE_URL", &world.upstream.url)])
            .await;
    testing::until_ready(&format!("http://{}", late.address)).await;
    let told = problem(late.get_with(PATH, &world.auth.sign(&ada))).await;
    assert_eq!(told, (401, "token_revoked".to_owned()));
}

#[actix_web::test]
async fn without_the_feed_a_gateway_is_not_ready_and_lets_nobody_in() {
    let world = spawn().await;
    let token = world.auth.token();
    world.gateway.get_with(PATH, &token).send().await.unwrap();
    let late = Gateway::start(&[
        ("AUTH_INTERNAL_URL", "http://127.0.0.1:1"),
        ("PREFS_SERVICE_URL", &world.upstream.url),
    ])
    .await;
    let unready = late.get("/readyz").send().await.unwrap();
    assert_eq!(unready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(unready.text().await.unwrap().contains("revocations were not read yet"));
    assert_eq!(late.get_with(PATH, &token).send().await.unwrap().status(), 503);
    assert_eq!(late.get(PATH).send().await.unwrap().status(), 200, "who sends no credential needs none");
}

#[actix_web::test]
async fn when_the_feed_is_away_what_is_known_goes_on() {
    let world = spawn().await;
    let (ada, eve) = (claims(), claims());
    let [adas, eves] = [&ada, &eve].map(|claims| world.auth.sign(claims));
    assert_eq!(status(&world, &eves).await, 200, "the keys are fetched");
    world.auth.revoke(Revocation::of_session(ada.sid.unwrap().parse().unwrap()));
    until(401, async || status(&world, &adas).await).await;
    world.auth.set_down(true);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!((status(&world, &adas).await, status(&world, &eves).await), (401, 200));
    world.auth.revoke(Revocation::of_session(eve.sid.unwrap().parse().unwrap()));
    world.auth.set_down(false);
    until(401, async || status(&world, &eves).await).await;
}

#[actix_web::test]
async fn a_deleted_key_opens_nothing_also_with_what_replicas_share() {
    let world = spawn().await;
    let key = world.auth.api_key();
    assert_eq!(status(&world, &key).await, 200);
    let (_, _, id) = *world.auth.state.holder.lock().unwrap();
    world.auth.state.known.lock().unwrap().clear();
    world.auth.revoke(Revocation::of_api_key(id));
    until(401, async || status(&world, &key).await).await;
    let told = problem(world.gateway.get_with(PATH, &key)).await;
    assert_eq!(told, (401, "api_key_invalid".to_owned()));
    assert_eq!(world.auth.exchanges(), 2);
}

#[actix_web::test]
async fn a_changed_users_key_has_its_new_rights_at_once_and_is_never_refused() {
    let world = spawn().await;
    let key = world.auth.api_key();
    assert_eq!(status(&world, &key).await, 200);
    let (user, version, id) = *world.auth.state.holder.lock().unwrap();
    *world.auth.state.holder.lock().unwrap() = (user, version + 1, id);
    world.auth.revoke(Revocation::of_user(user, version + 1));
    for _ in 0..600 {
        assert_eq!(status(&world, &key).await, 200);
        if world.upstream.last().claims()["ver"] == version + 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the key goes on with its old rights");
}

#[actix_web::test]
async fn an_open_socket_is_closed_and_others_stay() {
    let world = spawn().await;
    let (ada, eve) = (claims(), claims());
    let mut adas = websocket::open(&world, Some(&world.auth.sign(&ada))).await.unwrap();
    let mut eves = websocket::open(&world, Some(&world.auth.sign(&eve))).await.unwrap();
    world.auth.revoke(Revocation::of_session(ada.sid.unwrap().parse().unwrap()));
    let Some(Ok(Message::Close(Some(close)))) = adas.next().await else { panic!("no close frame") };
    assert_eq!((close.code, close.reason.as_str()), (CloseCode::Policy, "the token was revoked."));
    eves.send(Message::text("hello")).await.unwrap();
    assert_eq!(eves.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[actix_web::test]
async fn an_open_stream_of_events_ends_and_others_go_on() {
    let world = spawn().await;
    let (ada, eve) = (claims(), claims());
    let open = async |claims: &Claims| {
        let token = world.auth.sign(claims);
        world.gateway.get_with("/api/v1/prefs/endless", &token).send().await.unwrap()
    };
    let (mut adas, mut eves) = (open(&ada).await, open(&eve).await);
    assert!(adas.chunk().await.unwrap().is_some());
    world.auth.revoke(Revocation::of_user(ada.sub.parse().unwrap(), ada.ver + 1));
    while adas.chunk().await.unwrap().is_some() {}
    for _ in 0..10 {
        assert!(eves.chunk().await.unwrap().is_some());
    }
}

#[actix_web::test]
async fn a_stream_of_events_ends_with_its_token() {
    let world = spawn().await;
    let exp = (Timestamp::now() + Duration::from_secs(2)).unix_seconds();
    let sid = Some(SessionId::generate().to_string());
    let token = world.auth.sign(&Claims { exp, sid, ..claims() });
    let mut events = world.gateway.get_with("/api/v1/prefs/endless", &token).send().await.unwrap();
    while events.chunk().await.unwrap().is_some() {}
    assert!(Timestamp::now().unix_seconds() >= exp, "not before");
}
