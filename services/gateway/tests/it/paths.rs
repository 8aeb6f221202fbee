use crate::{
    raw,
    spawn::{problem, spawn, spawn_with},
};
use reqwest::Method;

#[actix_web::test]
async fn a_path_is_forwarded_as_it_was_routed() {
    let world = spawn().await;
    for target in [
        "/api/v1/prefs",
        "/api/v1/prefs/a%20b?x=%2e%2e/%2f;y",
        "/api/v1/prefs/caf%C3%A9",
        "/api/v1/auth/@a:b",
    ] {
        assert_eq!(raw::get(&world.gateway.address, target).await, 200, "{target}");
        assert_eq!(world.upstream.last().target, target);
    }
}

#[actix_web::test]
async fn a_path_that_could_be_read_in_two_ways_reaches_nobody() {
    let world = spawn().await;
    for target in [
        "/api/v1/prefs/..%2f..%2f..%2finternal/v1/auth/token",
        "/api/v1/prefs/%2e%2e/auth",
        "/api/v1/prefs/../auth",
        "/api/v1/prefs/./x",
        "//api/v1/prefs",
        "/api/v1//prefs",
        "/api/v1/prefs/%2e",
        "/api/v1/prefs\\x",
        "/api/v1/prefs%5cx",
        "/api/v1/prefs%2fx",
        "/api/v1/prefs;x=1",
        "/api/v1/prefs%3bx",
        "/api/v1/prefs/%00",
        "/api/v1/%70refs",
        "/api/v1/prefs/%61",
        "/api/v1/prefs/%0d%0aX:1",
        "/api/v1/prefs/%252e",
        "/api/v1/prefs/%zz",
        "/api/v1/prefs/..%c0%af..%c0%afauth",
        "/api/v1/prefs/%ff",
        "/api/v1/prefs/{x}",
        "/api/v1/prefs/|",
        "http://elsewhere.example/api/v1/prefs",
        "/api/v1/prefs/\u{e9}",
        "/api/v1/prefs/\u{0}",
        "/api/v1/prefs/\u{7f}",
    ] {
        let status = raw::get(&world.gateway.address, target).await;
        assert!(status == 400 || status == 0, "{target}: {status}");
    }
    for target in
        ["/api/v1/prefsx", "/API/v1/prefs", "/internal/v1/auth/token", "/api/v1/orders", "/api/v1", "*"]
    {
        let status = raw::get(&world.gateway.address, target).await;
        assert!(status == 404 || status == 400, "{target}: {status}");
    }
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
}

#[actix_web::test]
async fn requests_that_smuggle_reach_nobody() {
    let world = spawn().await;
    let smuggled = "GET /api/v1/prefs/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let heads = [
        "POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        "POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nabcd",
        "POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "GET /api/v1/prefs\u{0} HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/v1/prefs HTTP/1.1\r\nHost: x\r\nX: a\u{0}b\r\n\r\n",
        "GET /api/v1/prefs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ];
    for head in heads {
        let answer = raw::exchange(&world.gateway.address, format!("{head}{smuggled}").as_bytes()).await;
        let status = raw::status(&answer);
        assert!(status == 400 || status == 0, "{head}\n{answer}");
    }
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
}

/// Whether the connection is closed behind it or goes on.
#[actix_web::test]
async fn the_body_of_a_refused_request_is_never_taken_for_the_next() {
    let world = spawn_with(&[("GATEWAY__MAX_BODY_BYTES", "1000")]).await;
    let smuggled = "GET /api/v1/prefs/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let next = "GET /api/v1/prefs/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let refused = [
        ("POST /api/v1/prefs/count HTTP/1.1\r\nAuthorization: Bearer rubbish", smuggled.len(), 401),
        ("POST /api/v1/nowhere HTTP/1.1", smuggled.len(), 404),
        ("TRACE /api/v1/prefs HTTP/1.1", smuggled.len(), 405),
        ("POST /api/v1/prefs;x HTTP/1.1", smuggled.len(), 400),
        ("POST /api/v1/prefs/count HTTP/1.1", 1001, 413),
    ];
    for (head, length, wanted) in refused {
        let request = format!("{head}\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{smuggled}{next}");
        let answer = raw::exchange(&world.gateway.address, request.as_bytes()).await;
        assert_eq!(raw::status(&answer), wanted, "{head}\n{answer}");
        let seen = world.upstream.seen();
        assert!(seen.iter().all(|seen| seen.target == "/api/v1/prefs/next"), "{head}\n{seen:?}");
    }
}

#[actix_web::test]
async fn an_unknown_path_is_404_with_and_without_a_credential() {
    let world = spawn().await;
    let wanted = (404, "path_not_found".to_owned());
    assert_eq!(problem(world.gateway.get("/api/v1/nowhere")).await, wanted);
    assert_eq!(problem(world.gateway.get_with("/api/v1/nowhere", "rubbish")).await, wanted);
    assert_eq!(problem(world.gateway.get("/internal/v1/gateway/jwks.json")).await, wanted);
}

#[actix_web::test]
async fn methods_that_no_service_has_are_405() {
    let world = spawn().await;
    for method in ["TRACE", "PROPFIND"] {
        let request = world.gateway.request(Method::from_bytes(method.as_bytes()).unwrap(), "/api/v1/prefs");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 405, "{method}");
        assert!(response.headers()["allow"].to_str().unwrap().contains("PATCH"));
    }
    let connect =
        raw::exchange(&world.gateway.address, b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n").await;
    assert!(matches!(raw::status(&connect), 400..=405), "{connect}");
    let own = world.gateway.request(Method::DELETE, "/status").send().await.unwrap();
    assert_eq!((own.status().as_u16(), &own.headers()["allow"]), (405, &"GET".parse().unwrap()));
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn requests_go_to_the_instances_in_turn_and_past_a_dead_one() {
    let other = crate::upstream::Upstream::start("two");
    let first = crate::upstream::Upstream::start("one");
    let both = format!("{},{},http://127.0.0.1:1", first.url, other.url);
    let world = spawn_with(&[("PREFS_SERVICE_URL", &both)]).await;
    let mut names = std::collections::BTreeMap::new();
    for _ in 0..30 {
        let response = world.gateway.get("/api/v1/prefs/name").send().await.unwrap();
        assert_eq!(response.status(), 200);
        *names.entry(response.text().await.unwrap()).or_insert(0) += 1;
    }
    assert!(names["one"] >= 5 && names["two"] >= 5, "{names:?}");
}

#[actix_web::test]
async fn an_instance_that_takes_no_connection_costs_at_most_one_upload() {
    let one = crate::upstream::Upstream::start("one");
    let both = format!("http://127.0.0.1:1,{}", one.url);
    let world = spawn_with(&[("PREFS_SERVICE_URL", &both), ("GATEWAY__HTTP__WORKERS", "1")]).await;
    let mut failed = 0;
    for _ in 0..20 {
        let upload = world.gateway.request(Method::POST, "/api/v1/prefs/count").body("hello").send();
        failed += u32::from(upload.await.unwrap().status() != 200);
    }
    assert!(failed <= 1, "{failed}");
}

#[actix_web::test]
async fn what_the_server_takes_leniently_is_written_anew() {
    let world = spawn().await;
    let bare = b"GET /api/v1/prefs/x HTTP/1.1\nHost: x\nX-User-Id: 1\nConnection: close\n\n";
    raw::exchange(&world.gateway.address, bare).await;
    let fragment = b"GET /api/v1/prefs/x#/../../auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    raw::exchange(&world.gateway.address, fragment).await;
    let absolute = b"GET http://x/api/v1/prefs/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(raw::status(&raw::exchange(&world.gateway.address, absolute).await), 200);
    for seen in world.upstream.seen() {
        assert_eq!((seen.target.as_str(), seen.header("x-user-id")), ("/api/v1/prefs/x", None));
    }
    let bare_return = b"GET /api/v1/prefs/y HTTP/1.1\r\nHost: x\r\nX: a\rX-User-Id: 1\r\n\r\n";
    assert_eq!(raw::status(&raw::exchange(&world.gateway.address, bare_return).await), 400);
}
