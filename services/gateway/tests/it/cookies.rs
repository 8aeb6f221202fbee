//! Browsers that carry their session as a cookie, and pages that would abuse it.

use ids::ApiKeyId;
use reqwest::{Method, RequestBuilder};

use identity::Revocation;

use crate::{
    raw,
    spawn::{Gateway, ORIGIN, TRUSTED, World, eventually, problem, spawn},
};

const PATH: &str = "/api/v1/prefs";
const EVIL: &str = "https://evil.example.com";

impl World {
    /// A request with this cookie.
    fn browser(&self, method: Method, path: &str, cookie: &str) -> RequestBuilder {
        self.gateway.request(method, path).header("cookie", cookie)
    }
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn a_cookie_is_exchanged_once_and_goes_no_further() {
    let world = spawn().await;
    let cookie = world.auth.cookie();
    for _ in 0..5 {
        let request = world.browser(Method::GET, PATH, &format!("theme=dark; {cookie}"));
        assert_eq!(status(request).await, 200);
    }
    assert_eq!(world.auth.exchanges(), 1);
    let seen = world.upstream.last();
    assert_eq!(seen.claims()["aud"], "prefs");
    assert_eq!(seen.header("cookie"), None);
    assert!(!format!("{seen:?}").contains("plc_"), "the cookie goes no further");
}

#[actix_web::test]
async fn another_replica_finds_the_exchange_of_a_cookie() {
    let world = spawn().await;
    let cookie = world.auth.cookie();
    assert_eq!(status(world.browser(Method::GET, PATH, &cookie)).await, 200);
    let replica = Gateway::start(&[
        ("AUTH_INTERNAL_URL", &world.auth.url),
        ("PREFS_SERVICE_URL", &world.upstream.url),
        ("AUTH_SERVICE_URL", &world.upstream.url),
    ])
    .await;
    testing::until_ready(&format!("http://{}", replica.address)).await;
    assert_eq!(status(replica.get(PATH).header("cookie", &cookie)).await, 200);
    assert_eq!(world.auth.exchanges(), 1);
}

#[actix_web::test]
async fn what_ends_a_session_ends_its_cookie() {
    let world = spawn().await;
    let cookie = world.auth.cookie();
    assert_eq!(status(world.browser(Method::GET, PATH, &cookie)).await, 200);
    let key: ApiKeyId = world.auth.state.holder.lock().unwrap().2;
    world.auth.state.known.lock().unwrap().clear();
    world.auth.revoke(Revocation::of_api_key(key));
    for _ in 0..600 {
        if status(world.browser(Method::GET, PATH, &cookie)).await == 401 {
            let request = world.browser(Method::GET, PATH, &cookie);
            assert_eq!(problem(request).await, (401, "session_cookie_invalid".to_owned()));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the cookie goes on");
}

#[actix_web::test]
async fn garbage_in_a_cookie_costs_auth_nothing() {
    let world = spawn().await;
    for cookie in ["__Host-plinth=x", "__Host-plinth=plk_dev_x", "__Host-plinth=\"plc_x\""] {
        let request = world.browser(Method::GET, PATH, cookie);
        assert_eq!(problem(request).await, (401, "session_cookie_invalid".to_owned()), "{cookie}");
    }
    let two = world.browser(Method::GET, PATH, "__Host-plinth=plc_x; __Host-plinth=plc_y");
    assert_eq!(problem(two).await, (400, "credential_ambiguous".to_owned()));
    assert_eq!(world.auth.exchanges(), 0);
    assert!(world.upstream.seen().is_empty());
    // None, or somebody else's, is nobody.
    for cookie in ["__Host-plinth=", "theme=dark", "plinth=plc_x"] {
        assert_eq!(status(world.browser(Method::GET, PATH, cookie)).await, 200, "{cookie}");
        assert_eq!(world.upstream.last().header("authorization"), None);
    }
}

#[actix_web::test]
async fn a_token_or_key_wins_over_the_cookie_that_a_browser_adds() {
    let world = spawn().await;
    let (cookie, token, key) = (world.auth.cookie(), world.auth.token(), world.auth.api_key());
    let request = world.browser(Method::POST, PATH, &cookie).header("origin", EVIL).bearer_auth(&token);
    assert_eq!(status(request).await, 200, "no browser sends a token by itself");
    assert_eq!(world.auth.exchanges(), 0);
    let request = world.browser(Method::POST, PATH, &cookie).header("x-api-key", &key);
    assert_eq!(status(request).await, 200);
    let both = world.browser(Method::GET, PATH, &cookie).header("x-api-key", &key).bearer_auth(&token);
    assert_eq!(problem(both).await, (400, "credential_ambiguous".to_owned()));
}

#[actix_web::test]
async fn a_foreign_page_changes_nothing_by_a_cookie() {
    let world = spawn().await;
    let cookie = world.auth.cookie();
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let ask = || world.browser(method.clone(), PATH, &cookie);
        let refused = (403, "csrf_refused".to_owned());
        assert_eq!(problem(ask()).await, refused, "{method}: nothing says where it comes from");
        for (name, value) in [
            ("origin", EVIL),
            ("origin", "null"),
            ("origin", "https://api.example.com.evil.com"),
            ("origin", "http://api.example.com"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "none"),
            ("referer", "https://api.example.com/"),
        ] {
            assert_eq!(problem(ask().header(name, value)).await, refused, "{method} {name}: {value}");
        }
        let contradicting = ask().header("origin", EVIL).header("sec-fetch-site", "same-origin");
        assert_eq!(problem(contradicting).await, refused, "{method}");
    }
    assert!(world.upstream.seen().is_empty());
    assert_eq!(world.auth.exchanges(), 0, "and it is refused before auth is asked");
}

#[actix_web::test]
async fn our_own_pages_and_the_listed_ones_may() {
    let world = spawn().await;
    let cookie = world.auth.cookie();
    for (name, value) in [("origin", ORIGIN), ("origin", TRUSTED), ("sec-fetch-site", "same-origin")] {
        let request = world.browser(Method::POST, PATH, &cookie).header(name, value);
        assert_eq!(status(request).await, 200, "{name}: {value}");
    }
    let listed = world.browser(Method::POST, PATH, &cookie).header("origin", TRUSTED);
    let answer = listed.send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], TRUSTED);
    assert_eq!(answer.headers()["access-control-allow-credentials"], "true");
    // Reading changes nothing; the browser keeps a foreign page from the answer.
    let foreign = world.browser(Method::GET, PATH, &cookie).header("origin", EVIL).send().await.unwrap();
    assert_eq!(foreign.status(), 200);
    assert!(!foreign.headers().contains_key("access-control-allow-origin"));
}

#[actix_web::test]
async fn a_method_that_is_none_does_not_slip_past_the_check() {
    let world = spawn().await;
    let cookie = world.auth.cookie();
    let request = format!(
        "post {PATH} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        world.gateway.address
    );
    raw::exchange(&world.gateway.address, request.as_bytes()).await;
    let overridden =
        world.browser(Method::GET, PATH, &cookie).header("x-http-method-override", "DELETE").send().await;
    assert_eq!(overridden.unwrap().status(), 200);
    assert!(world.upstream.seen().iter().all(|seen| seen.method == "GET"));
}

#[actix_web::test]
async fn a_foreign_page_logs_nobody_in() {
    let world = spawn().await;
    for query in ["mode=cookie", "m%6fde=%63ookie", "a=1&mode=cookie"] {
        let login = || world.gateway.request(Method::POST, &format!("/api/v1/auth/login?{query}"));
        let refused = (403, "csrf_refused".to_owned());
        assert_eq!(problem(login().header("origin", EVIL)).await, refused, "{query}");
        assert_eq!(problem(login()).await, refused, "{query}");
        assert_eq!(status(login().header("origin", ORIGIN)).await, 200, "{query}");
    }
    let for_a_token = world.gateway.request(Method::POST, "/api/v1/auth/login");
    assert_eq!(status(for_a_token).await, 200, "a login that makes no cookie comes from anywhere");
}

#[actix_web::test]
async fn a_stale_cookie_keeps_nobody_from_logging_in() {
    let world = spawn().await;
    for cookie in ["__Host-plinth=plc_stale", "__Host-plinth=rubbish"] {
        let login =
            world.browser(Method::POST, "/api/v1/auth/login?mode=cookie", cookie).header("origin", ORIGIN);
        assert_eq!(status(login).await, 200);
        assert_eq!(world.upstream.last().header("authorization"), None);
    }
    assert_eq!(world.auth.exchanges(), 0);
}

#[actix_web::test]
async fn a_cookie_that_auth_sets_anew_stands_for_its_session_as_of_then() {
    let world = spawn().await;
    let cookie = world.auth.cookie();
    assert_eq!(status(world.browser(Method::GET, PATH, &cookie)).await, 200);
    let before = world.upstream.last().claims();
    // What proves a password again, say: the answer sets the cookie.
    let proven = world.browser(Method::POST, "/api/v1/auth/odd-headers", &cookie).header("origin", ORIGIN);
    assert_eq!(status(proven).await, 200);
    assert_eq!(status(world.browser(Method::GET, PATH, &cookie)).await, 200);
    assert_ne!(world.upstream.last().claims()["jti"], before["jti"]);
    assert_eq!(world.auth.exchanges(), 2);
    // Another service sets no cookies, and so changes nothing.
    let other = world.browser(Method::GET, "/api/v1/prefs/odd-headers", &cookie);
    assert_eq!(status(other).await, 200);
    assert_eq!(status(world.browser(Method::GET, PATH, &cookie)).await, 200);
    assert_eq!(world.auth.exchanges(), 2);
}

#[actix_web::test]
async fn known_cookies_go_on_while_auth_is_down() {
    let world = spawn().await;
    let (known, new) = (world.auth.cookie(), world.auth.cookie());
    assert_eq!(status(world.browser(Method::GET, PATH, &known)).await, 200);
    world.auth.set_down(true);
    assert_eq!(status(world.browser(Method::GET, PATH, &known)).await, 200);
    assert_eq!(problem(world.browser(Method::GET, PATH, &new)).await, (503, "auth_unavailable".to_owned()));
    eventually("auth is asked", || world.auth.exchanges() > 1).await;
}
