//! A webhook from its endpoint to its receiver, who verifies it as any customer would.

use std::sync::Mutex;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::header::HeaderMap,
    web::{self, Bytes, Data},
};
use anyhow::Context;
use contract_auth::{Client as Auth, Login, Registration};
use contract_webhook::{Client as Webhooks, NewEndpoint, NewMessage};
use ids::UserId;
use reqwest::header;
use serde_json::value::RawValue;
use service_discovery::Peer;
use standardwebhooks::Webhook;
use tokio::{sync::oneshot, time::timeout};

use super::walk::{PASSWORD, step};
use crate::say;

/// How long a message may take before the demo gives up.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

/// What the message says.
const PAYLOAD: &str = r#"{"order_id":"1042"}"#;

/// A request as it came.
type Posted = (HeaderMap, Bytes);

/// Who waits for the first one.
type Waiting = Mutex<Option<oneshot::Sender<Posted>>>;

/// Somebody registers an endpoint, sends a message and verifies what comes.
pub(super) async fn through(peer: Peer) -> anyhow::Result<()> {
    say("\nA message, signed, delivered and verified")?;
    let (auth, webhooks) = (Auth::new(peer.clone()), Webhooks::new(peer));
    let token = somebody(&auth).await?;
    let (url, server, received) = receiver()?;
    let endpoint = webhooks.create_endpoint(&token, &NewEndpoint::at(&url)).await.context("the endpoint")?;
    step("an endpoint", "POST /api/v1/webhooks/endpoints", &url)?;
    let secret = webhooks.secret(&token, endpoint.id).await.context("its secret")?.secret;
    let payload = RawValue::from_string(PAYLOAD.to_owned())?;
    let new = NewMessage { event_type: "order.paid".to_owned(), payload, event_id: None };
    let message = webhooks.send(&token, &new).await.context("the message")?;
    step("a message", "POST /api/v1/webhooks/messages", message.id)?;
    let (headers, body) = timeout(PATIENCE, received).await.context("it does not arrive")??;
    server.stop(false).await;
    verify(&secret, &headers, &body)?;
    step("delivered", "POST to the endpoint", format!("{} bytes", body.len()))?;
    step("verified", "by the standardwebhooks crate", "its signature is ours")
}

async fn somebody(auth: &Auth) -> anyhow::Result<String> {
    let email = format!("{}@example.com", UserId::generate());
    let password = contract_auth::Secret::from(PASSWORD);
    let registration = Registration { email: email.clone(), password: password.clone(), name: None };
    auth.register(&registration).await.context("register")?;
    let tokens =
        auth.login(&Login { email, password }).await?.tokens().context("a second factor is wanted")?;
    Ok(tokens.access_token.expose().to_owned())
}

/// A customer's server.
fn receiver() -> anyhow::Result<(String, ServerHandle, oneshot::Receiver<Posted>)> {
    let (sender, received) = oneshot::channel();
    let waiting = Data::new(Waiting::new(Some(sender)));
    let app = move || App::new().app_data(waiting.clone()).default_service(web::to(take));
    let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0))?;
    let url = format!("http://{}/hook", server.addrs().first().context("the receiver has no address")?);
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok((url, handle, received))
}

async fn take(request: HttpRequest, body: Bytes, waiting: Data<Waiting>) -> HttpResponse {
    let waiting = waiting.lock().ok().and_then(|mut waiting| waiting.take());
    // Tolerated: the demo may have given up.
    let _ = waiting.map(|waiting| waiting.send((request.headers().clone(), body)));
    HttpResponse::NoContent().finish()
}

/// As the library of Standard Webhooks does it, which knows nothing of us.
fn verify(secret: &str, headers: &HeaderMap, body: &[u8]) -> anyhow::Result<()> {
    // Those of another version of the same crate.
    let mut taken = header::HeaderMap::new();
    for (name, value) in headers {
        let name = header::HeaderName::from_bytes(name.as_str().as_bytes())?;
        taken.insert(name, header::HeaderValue::from_bytes(value.as_bytes())?);
    }
    Webhook::new(secret)?.verify(body, &taken).context("its signature is not ours")
}
