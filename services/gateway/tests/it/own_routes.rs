use reqwest::StatusCode;
use serde_json::Value;

use crate::spawn::{spawn, spawn_with};

#[actix_web::test]
async fn status_is_200_when_all_are_up_and_asks_once_a_second() {
    let world = spawn().await;
    for _ in 0..10 {
        let response = world.gateway.get("/status").send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["status"], "up");
        let names: Vec<&Value> =
            body["services"].as_array().unwrap().iter().map(|service| &service["name"]).collect();
        assert_eq!(names, ["auth", "prefs"]);
        assert!(body["services"][0]["latency_ms"].is_u64());
    }
    assert!(world.upstream.seen().len() <= 4, "{:?}", world.upstream.seen());
}

#[actix_web::test]
async fn status_is_503_when_one_is_down() {
    let world = spawn_with(&[("PREFS_SERVICE_URL", "http://127.0.0.1:1")]).await;
    let response = world.gateway.get("/status").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        (&body["status"], &body["services"][0]["status"], &body["services"][1]["status"]),
        (&"down".into(), &"up".into(), &"down".into())
    );
}

#[actix_web::test]
async fn the_document_is_that_of_all_services() {
    let world = spawn().await;
    let body: Value = world.gateway.get("/openapi.json").send().await.unwrap().json().await.unwrap();
    assert_eq!(body["servers"][0]["url"], "/");
    assert!(body["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in ["/api/v1/auth/things", "/api/v1/prefs/things", "/status", "/openapi.json"] {
        assert!(body["paths"][path].is_object(), "{path}");
    }
    let schemas = &body["components"]["schemas"];
    assert_eq!(
        (&schemas["Page"]["title"], &schemas["prefs.Page"]["title"]),
        (&"auth".into(), &"prefs".into())
    );
    let text = body["paths"]["/api/v1/prefs/things"].to_string();
    assert!(text.contains("#/components/schemas/prefs.Page"), "{text}");
}

#[actix_web::test]
async fn a_service_that_is_down_is_left_out_of_the_document() {
    let world = spawn_with(&[("PREFS_SERVICE_URL", "http://127.0.0.1:1")]).await;
    let body: Value = world.gateway.get("/openapi.json").send().await.unwrap().json().await.unwrap();
    assert!(body["paths"]["/api/v1/auth/things"].is_object());
    assert!(body["paths"]["/api/v1/prefs/things"].is_null());
}

#[actix_web::test]
async fn the_docs_load_nothing_from_elsewhere() {
    let world = spawn().await;
    for start in ["/", "/docs"] {
        let response = world.gateway.get(start).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["location"].as_bytes()),
            (302, &b"/docs/"[..])
        );
    }
    let response = world.gateway.get("/docs/").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let page = response.text().await.unwrap();
    let sources = page
        .split(['"', '\''])
        .filter(|part| part.ends_with(".js") || part.ends_with(".css") || part.contains("//"));
    let sources: Vec<&str> = sources.collect();
    assert!(sources.len() > 3, "{page}");
    for source in sources {
        assert!(!source.contains("//"), "{source}");
        let file = source.trim_start_matches("./");
        let response = world.gateway.get(&format!("/docs/{file}")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{source}");
        if file == "swagger-initializer.js" {
            assert!(response.text().await.unwrap().contains("\"/openapi.json\""));
        }
    }
    assert!(!page.contains("<script>"), "the policy forbids scripts inside the page");
}

#[actix_web::test]
async fn the_page_of_problems_and_health_are_there() {
    let world = spawn().await;
    let page = world.gateway.get("/docs/problems").send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page.text().await.unwrap().contains("id=\"not-found\""));
    for path in ["/healthz", "/readyz", "/api/v1/gateway/openapi.json"] {
        assert_eq!(world.gateway.get(path).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
}

#[actix_web::test]
async fn proxied_requests_are_counted_by_their_route() {
    let world = spawn().await;
    world.gateway.get("/api/v1/prefs/some/thing").send().await.unwrap();
    let url = format!("http://{}/metrics", world.gateway.internal);
    let text = testing::http().get(url).send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#"route="/api/v1/prefs""#), "{text}");
    assert!(!text.contains("thing"));
}
