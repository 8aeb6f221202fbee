//! Another service, which tells what it holds as the contract says, and fails in every way on
//! demand.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Bytes, Data, Query},
};
use contract_auth::{PersonalDataQuery, personal_data_path};
use futures_util::{StreamExt, stream};
use ids::UserId;
use serde_json::{Value, json};
use service_discovery::Service;

use crate::{
    mailbox,
    spawn::{Auth, claims_of},
};

/// What the stand-in does, and what came of it.
#[derive(Default)]
pub(super) struct Prefs {
    fault: Mutex<&'static str>,
    pub(super) asked: AtomicUsize,
    pub(super) mebibytes_sent: AtomicUsize,
}

/// What it holds about somebody.
pub(super) fn sections(user: UserId) -> Value {
    json!({ "documents": [{ "namespace": "appearance", "overrides": { "theme": format!("of {user}") } }] })
}

impl Prefs {
    pub(super) fn fail(&self, fault: &'static str) {
        *self.fault.lock().unwrap() = fault;
    }

    pub(super) fn recover(&self) {
        self.fail("");
    }
}

async fn tell(request: HttpRequest, about: Query<PersonalDataQuery>, prefs: Data<Prefs>) -> HttpResponse {
    prefs.asked.fetch_add(1, Ordering::SeqCst);
    let token =
        request.headers().get("authorization").unwrap().to_str().unwrap()["Bearer ".len()..].to_owned();
    let claims = claims_of(&token.into());
    assert_eq!((claims.sub.as_str(), claims.aud.as_str()), ("service:auth", "prefs"));
    let whole = json!({ "sections": sections(about.user_id), "a later addition": 1 }).to_string();
    let fault = *prefs.fault.lock().unwrap();
    let broken = || Err::<Bytes, _>(std::io::Error::other("the cable"));
    match fault {
        "503" => HttpResponse::ServiceUnavailable().finish(),
        "403" => HttpResponse::Forbidden().finish(),
        "hangs" => std::future::pending().await,
        "hangs in the middle" => {
            let half = Bytes::copy_from_slice(&whole.as_bytes()[..whole.len() / 2]);
            HttpResponse::Ok()
                .streaming(stream::iter([Ok::<_, std::io::Error>(half)]).chain(stream::pending()))
        }
        "breaks off" => {
            let half = Bytes::copy_from_slice(&whole.as_bytes()[..whole.len() / 2]);
            HttpResponse::Ok().streaming(stream::iter([Ok(half), broken()]))
        }
        "half" => HttpResponse::Ok().body(whole[..whole.len() / 2].to_owned()),
        "a text" => HttpResponse::Ok().body(r#""ada@example.com""#),
        "a list" => HttpResponse::Ok().json(json!({ "sections": ["ada@example.com"] })),
        "a page" => HttpResponse::Ok().body("<html>ada@example.com</html>"),
        "200 MiB" => {
            let mebibyte = Bytes::from(vec![b' '; 1024 * 1024]);
            let body = stream::iter(0..200).map(move |_| {
                prefs.mebibytes_sent.fetch_add(1, Ordering::SeqCst);
                Ok::<_, std::io::Error>(mebibyte.clone())
            });
            HttpResponse::Ok().streaming(body)
        }
        "3 MiB" => {
            let note = "ä".repeat(3 * 1024 * 1024 / 2);
            HttpResponse::Ok().json(json!({ "sections": { "note": note } }))
        }
        _ => HttpResponse::Ok().body(whole),
    }
}

/// auth with a worker, and such a service; it ends with the handle.
pub(super) async fn spawn() -> (Auth, Data<Prefs>, ServerHandle) {
    let prefs = Data::from(Arc::new(Prefs::default()));
    let shared = prefs.clone();
    let path = personal_data_path(Service::Prefs);
    let server =
        HttpServer::new(move || App::new().app_data(shared.clone()).route(&path, web::get().to(tell)));
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let settings = [
        ("AUTH__EXPORTS__SERVICES", "prefs"),
        ("AUTH__EXPORTS__TIMEOUT_SECONDS", "1"),
        ("AUTH__EVENTS__SUBSCRIBERS", ""),
        ("PREFS_INTERNAL_URL", &url),
    ];
    (mailbox::spawn_and(&settings).await, prefs, handle)
}
