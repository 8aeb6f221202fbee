use crate::spawn::{TRUSTED, spawn};
use reqwest::Method;

#[actix_web::test]
async fn a_preflight_is_answered_at_the_gateway() {
    let world = spawn().await;
    let preflight = |origin: &'static str| {
        let request = world.gateway.request(Method::OPTIONS, "/api/v1/prefs").header("origin", origin);
        request.header("access-control-request-method", "PUT").send()
    };
    let answer = preflight(TRUSTED).await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["access-control-allow-origin"], TRUSTED);
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
    for header in ["Authorization", "Idempotency-Key", "If-Match", "X-Request-Id"] {
        assert!(allowed.contains(header), "{header} of {allowed}");
    }
    let stranger = preflight("https://evil.example.com").await.unwrap();
    assert!(!stranger.headers().keys().any(|name| name.as_str().starts_with("access-control")));
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn every_answer_to_a_trusted_page_can_be_read_by_it() {
    let world = spawn().await;
    for (path, status) in [("/api/v1/prefs", 200), ("/api/v1/nowhere", 404), ("/status", 200), ("//", 400)] {
        let response = world.gateway.get(path).header("origin", TRUSTED).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], TRUSTED, "{path}");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert!(headers["access-control-expose-headers"].to_str().unwrap().contains("ETag"));
        assert!(headers.get_all("vary").iter().any(|value| value == "Origin"));
        let stranger = world.gateway.get(path).header("origin", "null").send().await.unwrap();
        assert!(!stranger.headers().contains_key("access-control-allow-origin"), "{path}");
        assert!(stranger.headers().get_all("vary").iter().any(|value| value == "Origin"));
    }
}
