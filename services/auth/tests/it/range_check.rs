//! The range check of new passwords, against a stand-in that speaks as the real one does.

use std::sync::{Arc, Mutex};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Data, Path},
};
use aws_lc_rs::digest;
use contract_auth::{PasswordChange, Registration};
use data_encoding::HEXUPPER;

use crate::spawn::{Auth, PASSWORD, code, refused, spawn_with};

const BREACHED: &str = "a breached password of somebody";

/// What the stand-in does, and what it was asked.
#[derive(Default)]
struct StandIn {
    fault: Mutex<&'static str>,
    asked: Mutex<Vec<String>>,
}

/// `GET /range/{prefix}` as Have I Been Pwned documents it: lines of `suffix:count`, with
/// lines of count 0 where padding is asked for.
async fn range(request: HttpRequest, prefix: Path<String>, state: Data<StandIn>) -> HttpResponse {
    let padded = request.headers().get("add-padding").is_some_and(|value| value == "true");
    state.asked.lock().unwrap().push(format!("{prefix} {padded}"));
    let hash =
        HEXUPPER.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, BREACHED.as_bytes()).as_ref());
    let fault = *state.fault.lock().unwrap();
    match fault {
        "500" => HttpResponse::InternalServerError().finish(),
        "html" => HttpResponse::Ok().body("<html>nothing of the kind</html>"),
        "redirect" => HttpResponse::Found().insert_header(("location", "http://127.0.0.1:1/")).finish(),
        "silence" => std::future::pending().await,
        "padding" => HttpResponse::Ok().body(format!("{}:0\r\n", &hash[5..])),
        _ => {
            HttpResponse::Ok().body(format!("0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n{}:42\r\n", &hash[5..]))
        }
    }
}

fn stand_in() -> (Data<StandIn>, ServerHandle, String) {
    let state = Data::from(Arc::new(StandIn::default()));
    let shared = state.clone();
    let server = HttpServer::new(move || {
        App::new().app_data(shared.clone()).route("/range/{prefix}", web::get().to(range))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/range/", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (state, handle, url)
}

async fn register(auth: &Auth, email: &str, password: &str) -> (u16, String) {
    let registration = Registration { email: email.to_owned(), password: password.into(), name: None };
    match auth.client.register(&registration).await {
        Ok(_) => (202, String::new()),
        refusal => refused(refusal),
    }
}

#[actix_web::test]
async fn a_breached_password_is_refused_and_nothing_but_a_prefix_is_told() {
    let (state, handle, url) = stand_in();
    let auth = spawn_with(&[("AUTH__PASSWORDS__RANGE_CHECK_URL", &url)]).await;
    assert_eq!(register(&auth, "eve@example.com", BREACHED).await, code(422, "invalid_fields"));
    let ada = auth.somebody("ada@example.com").await;
    let change = PasswordChange { current_password: PASSWORD.into(), new_password: BREACHED.into() };
    let outcome = auth.client.change_password(&ada.inward, &change).await;
    assert_eq!(refused(outcome), code(422, "invalid_fields"));
    let asked = state.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3);
    assert!(
        asked.iter().all(|asked| asked.len() == "ABCDE true".len() && asked.ends_with(" true")),
        "{asked:?}"
    );
    handle.stop(false).await;
}

#[actix_web::test]
async fn without_an_answer_a_password_is_taken_and_that_is_counted() {
    let (state, handle, url) = stand_in();
    let auth = spawn_with(&[("AUTH__PASSWORDS__RANGE_CHECK_URL", &url)]).await;
    for fault in ["500", "html", "padding", "redirect", "silence"] {
        *state.fault.lock().unwrap() = fault;
        assert_eq!(register(&auth, &format!("{fault}@example.com"), BREACHED).await.0, 202, "{fault}");
    }
    handle.stop(false).await;
    assert_eq!(register(&auth, "gone@example.com", BREACHED).await.0, 202);
    let metrics = testing::http().get(format!("{}/metrics", auth.internal_base)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        r#"password_range_checks_total{outcome="unanswered"#,
        r#"password_range_checks_total{outcome="unknown"#,
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}
