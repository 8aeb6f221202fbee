use std::time::Duration;

use crate::spawn::spawn;

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
