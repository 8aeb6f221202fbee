//! The page where endpoints are looked after. That its links open it and nothing else, is seen through the
//! gateway.

use contract_webhook::{NewPortalLink, routes};

use crate::spawn::{refused, spawn};

#[actix_web::test]
async fn the_page_may_call_its_own_origin_alone() {
    let webhook = spawn().await;
    let page = webhook.http.get(format!("{}{}", webhook.base, routes::PORTAL)).send().await.unwrap();
    let header = |name: &str| page.headers()[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(policy.contains("connect-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(
        (&*header("referrer-policy"), &*header("content-type")),
        ("no-referrer", "text/html; charset=utf-8")
    );
    assert!(page.text().await.unwrap().contains("<title>Webhooks</title>"));
}

#[actix_web::test]
async fn without_a_secret_for_auth_there_are_no_links_and_the_answer_says_so() {
    let webhook = spawn().await;
    let problem = refused(webhook.client.portal_link(&webhook.writer(), &NewPortalLink::default()).await);
    assert_eq!((problem.status, &*problem.code), (503, "portal_unconfigured"));
}
