//! The middleware in an app.

use actix_web::{
    App, Responder,
    dev::ServiceResponse,
    test::{TestRequest, call_service, init_service, read_body_json},
    web,
};
use rate_limiter::{Limiter, Options, Policy, Quota, RateLimiting};
use serde_json::Value;

use crate::{limiter, policy, pool};

fn header<'a>(response: &'a ServiceResponse, name: &str) -> &'a str {
    response.headers().get(name).unwrap().to_str().unwrap()
}

fn from(ip: &str) -> TestRequest {
    TestRequest::get().uri("/").peer_addr(format!("{ip}:1").parse().unwrap())
}

async fn hello() -> impl Responder {
    "hello"
}

#[actix_web::test]
async fn an_app_is_limited_in_a_few_lines() {
    let ip = policy("ip", Quota::per_hour(2));
    let name = ip.name().to_owned();
    let limiting = RateLimiting::new(limiter(&testing::redis_url()), move |request| {
        request.peer_addr().map(|address| ip.of_address(address.ip())).into_iter().collect()
    });
    let app = App::new().wrap(limiting).default_service(web::to(hello));
    let app = init_service(app).await;
    for left in [1, 0] {
        let response = call_service(&app, from("192.0.2.1").to_request()).await.map_into_boxed_body();
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "ratelimit-policy"), format!("\"{name}\";q=2;w=3600"));
        assert!(header(&response, "ratelimit").starts_with(&format!("\"{name}\";r={left};t=")));
    }
    let refused = call_service(&app, from("192.0.2.1").to_request()).await.map_into_boxed_body();
    assert_eq!(refused.status(), 429);
    let wait = header(&refused, "retry-after").to_owned();
    assert_eq!(header(&refused, "ratelimit"), format!("\"{name}\";r=0;t={wait}"));
    let problem: Value = read_body_json(refused).await;
    assert_eq!(problem["code"], "rate_limited");
    assert!(problem["detail"].as_str().unwrap().contains(&name), "{problem}");
    assert_eq!(call_service(&app, from("192.0.2.2").to_request()).await.status(), 200);
    let nowhere = TestRequest::get().uri("/").to_request();
    assert!(!call_service(&app, nowhere).await.headers().contains_key("ratelimit"));
}

#[actix_web::test]
async fn what_fails_closed_is_503_without_redis() {
    let login = Policy::new("login", Quota::per_hour(2)).failing_closed();
    let limiter = Limiter::new(pool("redis://127.0.0.1:1"), Options::default());
    let limiting = RateLimiting::new(limiter, move |_| vec![login.of("somebody")]);
    let app = init_service(App::new().wrap(limiting).default_service(web::to(hello))).await;
    let refused = call_service(&app, from("192.0.2.1").to_request()).await.map_into_boxed_body();
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (503, "1"));
    let problem: Value = read_body_json(refused).await;
    assert_eq!(problem["code"], "limits_unavailable");
}
