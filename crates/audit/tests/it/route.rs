use audit::{By, Entry};
use service_discovery::Service;
use testing::{Issuer, Person};

use crate::spawn::{BANNED, log, serve, token};

#[actix_web::test]
async fn only_auth_reads_a_services_log() {
    let (log, issuer) = (log().await, Issuer::start());
    log.record(&By::operator(), Entry::of(BANNED)).await;
    let prefs = serve(Service::Prefs, &log.db, &issuer);
    let url = format!("{}/internal/v1/prefs/audit?rows=10", prefs.url);
    let status = async |token: Option<String>| {
        let request = testing::http().get(&url);
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        request.send().await.unwrap().status().as_u16()
    };
    let admin = Person::with_scopes("auth:admin prefs:admin");
    assert_eq!(status(None).await, 401);
    assert_eq!(status(Some(issuer.token(Service::Prefs, &admin))).await, 403);
    assert_eq!(status(Some(token(&issuer, Service::Order, Service::Prefs))).await, 403);
    assert_eq!(status(Some(token(&issuer, Service::Auth, Service::Order))).await, 401);
    assert_eq!(status(Some(token(&issuer, Service::Auth, Service::Prefs))).await, 200);
}

#[actix_web::test]
async fn what_comes_is_bounded_and_named_after_the_service() {
    let (log, issuer) = (log().await, Issuer::start());
    for _ in 0..103 {
        log.record(&By::operator(), Entry::of(BANNED)).await;
    }
    let prefs = serve(Service::Prefs, &log.db, &issuer);
    let token = token(&issuer, Service::Auth, Service::Prefs);
    let ask = async |rows: i64| {
        let url = format!("{}/internal/v1/prefs/audit?rows={rows}", prefs.url);
        let reply = testing::http().get(url).bearer_auth(&token).send().await.unwrap();
        reply.json::<Vec<audit::AuditEntry>>().await.unwrap()
    };
    assert_eq!((ask(1_000_000).await.len(), ask(-1).await.len()), (101, 1));
    assert!(ask(3).await.iter().all(|entry| entry.service == "prefs"));
}
