use crate::{
    raw,
    spawn::{spawn, spawn_with},
};
use reqwest::Method;

#[actix_web::test]
async fn no_identity_header_gets_through_in_any_spelling() {
    let world = spawn().await;
    let request = format!(
        "GET /api/v1/prefs HTTP/1.1\r\nHost: {}\r\nX-User-Id: 1\r\nx-user-id: 2\r\nX_USER_ID: 3\r\nX.User.Id: 4\r\n\
         X-Org-Id: 5\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: gopher\r\n\
         Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-HTTP-Method-Override: DELETE\r\nProxy: x\r\nCookie: a=b\r\n\
         Connection: close, X-Forwarded-For, X-Request-Id, Authorization\r\nTE: trailers\r\nReferer: http://x/\r\n\
         Accept: text/x\r\nX-Request-Id: mine-1\r\n\r\n",
        world.gateway.address
    );
    let answer = raw::exchange(&world.gateway.address, request.as_bytes()).await;
    assert!(answer.contains("x-request-id: mine-1"), "{answer}");
    let seen = world.upstream.last();
    let mut names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let wanted = [
        "accept",
        "host",
        "traceparent",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
    ];
    assert_eq!(names, wanted);
    assert_eq!(seen.method, "GET");
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-host"), Some("api.example.com"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    assert_eq!(seen.header("x-request-id"), Some("mine-1"));
}

#[actix_web::test]
async fn a_trusted_proxy_is_believed() {
    let world = spawn_with(&[("GATEWAY__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    world.gateway.get("/api/v1/prefs").header("x-forwarded-for", "9.9.9.9").send().await.unwrap();
    assert_eq!(world.upstream.last().header("x-forwarded-for"), Some("9.9.9.9, 127.0.0.1"));
}

#[actix_web::test]
async fn what_a_service_says_of_itself_stays_inside() {
    let world = spawn().await;
    let response = world.gateway.get("/api/v1/prefs/odd-headers").send().await.unwrap();
    let headers = response.headers();
    for kept in ["server", "x-powered-by", "access-control-allow-origin", "set-cookie"] {
        assert!(!headers.contains_key(kept), "{kept}");
    }
    assert_ne!(headers["x-request-id"], "another");
    assert_eq!(headers["location"], "/elsewhere");
    assert_eq!(response.text().await.unwrap(), "odd");
    let auths = world.gateway.get("/api/v1/auth/odd-headers").send().await.unwrap();
    assert_eq!(auths.headers().get_all("set-cookie").iter().count(), 2, "auth alone sets cookies");
}

#[actix_web::test]
async fn a_services_problem_passes_as_it_is() {
    let world = spawn().await;
    assert_eq!(
        crate::spawn::problem(world.gateway.get("/api/v1/prefs/missing")).await,
        (404, "thing_not_found".to_owned())
    );
}

#[actix_web::test]
async fn head_has_the_length_and_no_body() {
    let world = spawn().await;
    let response = world.gateway.request(Method::HEAD, "/api/v1/prefs").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["etag"].as_bytes()), (200, &b"\"7\""[..]));
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    assert_eq!(length, world.gateway.get("/api/v1/prefs").send().await.unwrap().bytes().await.unwrap().len());
    assert_eq!(world.upstream.seen()[0].method, "HEAD");
    let twice = format!(
        "HEAD /api/v1/prefs HTTP/1.1\r\nHost: {0}\r\n\r\nGET /api/v1/prefs HTTP/1.1\r\nHost: {0}\r\nConnection: close\r\n\r\n",
        "x"
    );
    let answer = raw::exchange(&world.gateway.address, twice.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    assert_eq!(answer.matches("{\"path\"").count(), 1, "{answer}");
}
