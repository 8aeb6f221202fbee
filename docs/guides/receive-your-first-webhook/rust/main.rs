//! Takes webhooks of Plinth: `webhook-receiver PORT`, with the endpoint's secret in `WEBHOOK_SECRET`.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program of its own")]

use std::{collections::HashSet, env, error::Error, sync::Mutex};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    web::{self, Bytes, Data},
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use standardwebhooks::Webhook;

struct Receiver {
    webhook: Webhook,
    /// In a real service: a table, with what the message makes of you in the same transaction.
    taken: Mutex<HashSet<Vec<u8>>>,
}

/// What a signature is made of.
const SIGNED: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

async fn take(request: HttpRequest, body: Bytes, receiver: Data<Receiver>) -> HttpResponse {
    let header = |name: &'static str| {
        let value = HeaderValue::from_bytes(request.headers().get(name)?.as_bytes()).ok()?;
        Some((HeaderName::from_static(name), value))
    };
    let signed: HeaderMap = SIGNED.into_iter().filter_map(header).collect();
    // The bytes as they came: JSON that is written anew is signed by nobody.
    if let Err(why) = receiver.webhook.verify(&body, &signed) {
        return HttpResponse::BadRequest().body(why.to_string());
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    // The same message may come twice, and has the same id then.
    let id = signed["webhook-id"].as_bytes().to_vec();
    if receiver.taken.lock().is_ok_and(|mut taken| taken.insert(id)) {
        println!("{} {}", message["type"], message["data"]);
    }
    HttpResponse::NoContent().finish()
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = env::args().nth(1).ok_or("a port is wanted")?.parse()?;
    let webhook = Webhook::new(&env::var("WEBHOOK_SECRET")?)?;
    let receiver = Data::new(Receiver { webhook, taken: Mutex::default() });
    let ready = || async { "ready" };
    let app = move || {
        let app = App::new().app_data(receiver.clone());
        app.route("/", web::get().to(ready)).default_service(web::post().to(take))
    };
    Ok(HttpServer::new(app).workers(1).bind(("127.0.0.1", port))?.run().await?)
}
