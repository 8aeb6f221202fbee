//! Webhooks through the gateway, to the guide's receivers, which verify by the official libraries.

use std::{fs, process::Command, time::Duration};

use aws_lc_rs::hmac;
use contract_webhook::{
    Client, DeliveryState, EndpointId, HmacOptions, Message, MessageId, NewEndpoint, NewMessage,
    NewPortalLink, NewSecret, NewSource, SIGNATURE_HEADERS, Scheme, routes,
};
use e2e::{Plinth, Somebody, Tables, code, refused};
use local_servers::port;
use reqwest::Method;
use serde_json::value::RawValue;
use service_discovery::Service;

use crate::protect::programs::{Program, guides, installed, until_answers};

const GUIDE: &str = "receive-your-first-webhook";

/// The guide's receiver in each language, as a command.
fn receivers() -> [(&'static str, Command); 3] {
    let mut python = Command::new(installed(GUIDE, "python", "requirements.txt").join("venv/bin/python"));
    python.arg(installed(GUIDE, "python", "requirements.txt").join("receiver.py"));
    let mut node = Command::new("node");
    node.arg(installed(GUIDE, "node", "package-lock.json").join("receiver.mjs"));
    [("Python", python), ("Node", node), ("Rust", Command::new(env!("CARGO_BIN_EXE_webhook-receiver")))]
}

/// An endpoint, and what stands behind it.
struct Behind {
    endpoint: EndpointId,
    port: u16,
    name: &'static str,
    command: Command,
}

impl Behind {
    /// Starts the receiver with this secret.
    async fn start(&mut self, plinth: &Plinth, secret: &str) -> Program {
        self.command.env("WEBHOOK_SECRET", secret);
        let log = fs::File::create(plinth.state().join(format!("logs/{}.log", self.name))).unwrap();
        // The arguments are those of the first start.
        if self.command.get_args().all(|argument| *argument != *self.port.to_string()) {
            self.command.arg(self.port.to_string());
        }
        let process = self.command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        until_answers(plinth, Program::new(self.name, self.port, process)).await
    }
}

async fn send(client: &Client, token: &str, event_type: &str) -> MessageId {
    let payload = RawValue::from_string(r#"{"order_id": "1042"}"#.to_owned()).unwrap();
    let new = NewMessage { event_type: event_type.to_owned(), payload, event_id: None };
    client.send(token, &new).await.unwrap().id
}

/// Waits until each delivery of a message was tried.
async fn tried(client: &Client, token: &str, id: MessageId) -> Message {
    for _ in 0..600 {
        let message = client.message(token, id).await.unwrap();
        let is_open =
            |one: &contract_webhook::Delivery| one.state == DeliveryState::Pending && one.attempts == 0;
        if !message.deliveries.iter().any(is_open) {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is not sent");
}

fn delivered(message: &Message) -> usize {
    message.deliveries.iter().filter(|one| one.state == DeliveryState::Delivered).count()
}

#[tokio::test]
async fn the_official_libraries_verify_what_receivers_get_also_during_a_rotation() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let (client, token) = (Client::new(plinth.peer()), ada.token().expose());
    let (mut behind, mut programs) = (Vec::new(), Vec::new());
    for (name, command) in receivers() {
        let port = port::free().unwrap();
        let new = NewEndpoint::at(format!("http://127.0.0.1:{port}/hook"));
        let endpoint = client.create_endpoint(token, &new).await.unwrap().id;
        let mut receiver = Behind { endpoint, port, name, command };
        let secret = client.secret(token, endpoint).await.unwrap().secret;
        programs.push(receiver.start(&plinth, &secret).await);
        behind.push(receiver);
    }
    let first = send(&client, token, "order.paid").await;
    assert_eq!(delivered(&tried(&client, token, first).await), 3);
    for name in ["Python", "Node", "Rust"] {
        assert!(plinth.log(name).contains("1042"), "{name}: {}", plinth.log(name));
    }

    // The old secret verifies, and so does the new one.
    for receiver in &behind {
        client.rotate_secret(token, receiver.endpoint, &NewSecret::default()).await.unwrap();
    }
    let meanwhile = send(&client, token, "order.paid").await;
    assert_eq!(delivered(&tried(&client, token, meanwhile).await), 3);
    drop(programs);
    let mut programs = Vec::new();
    for receiver in &mut behind {
        let secret = client.secret(token, receiver.endpoint).await.unwrap().secret;
        programs.push(receiver.start(&plinth, &secret).await);
    }
    let afterwards = send(&client, token, "order.paid").await;
    assert_eq!(delivered(&tried(&client, token, afterwards).await), 3);

    // Who has another secret takes nothing.
    drop(programs);
    let mut programs = Vec::new();
    for receiver in &mut behind {
        programs.push(receiver.start(&plinth, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").await);
    }
    let refused = send(&client, token, "order.paid").await;
    assert_eq!(delivered(&tried(&client, token, refused).await), 0);
}

#[tokio::test]
async fn a_portal_link_looks_after_webhooks_and_nothing_else_and_ends_with_who_made_it() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let (client, token) = (Client::new(plinth.peer()), ada.token().expose().to_owned());
    let key = ada.api_key(&["webhooks:write", "webhooks:read", "prefs:read"]).await;
    let link = client.portal_link(key.expose(), &NewPortalLink::default()).await.unwrap();
    let (page, shown) = link.url.split_once("#token=").unwrap();
    assert_eq!((page, shown), (&*format!("{}{}", plinth.url(), routes::PORTAL), &*link.token));
    let page = testing::http().get(page).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("connect-src 'self'"));
    assert!(page.text().await.unwrap().contains("<title>Webhooks</title>"));

    // It may do what its maker may, of webhooks.
    let made = client.create_endpoint(&link.token, &NewEndpoint::polled()).await.unwrap();
    assert_eq!(client.endpoint(&token, made.id).await.unwrap().id, made.id);
    let status = async |method: Method, path: &str, token: &str| {
        let request = testing::http().request(method, format!("{}{path}", plinth.url()));
        request.bearer_auth(token).json(&serde_json::json!({})).send().await.unwrap().status().as_u16()
    };
    for path in ["/api/v1/prefs", "/api/v1/auth/me", "/api/v1/auth/api-keys", "/api/v1/admin/audit"] {
        assert_eq!(status(Method::GET, path, &link.token).await, 403, "{path}");
    }
    let again = client.portal_link(&link.token, &NewPortalLink::default()).await;
    assert_eq!(refused(again), code(403, "portal_link_refused"));
    let looking = client.portal_link(key.expose(), &NewPortalLink { read_only: true }).await.unwrap().token;
    assert_eq!(client.endpoint(&looking, made.id).await.unwrap().id, made.id);
    let written = client.create_endpoint(&looking, &NewEndpoint::polled()).await;
    assert_eq!(refused(written), code(403, "insufficient_scope"));
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'webhook_portal_link.created'";
    assert_eq!(Tables::of(&plinth, "webhook").number(audited).await.unwrap(), 2);

    // Without the key there is no link, and soon no token of one.
    let id = key.expose().parse::<contract_auth::ApiKeyText>().unwrap().id();
    let auth = contract_auth::Client::new(plinth.peer());
    auth.delete_api_key(ada.token(), id).await.unwrap();
    for _ in 0..100 {
        if client.endpoint(&link.token, made.id).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(refused(client.endpoint(&link.token, made.id).await).0, 401);
}

#[tokio::test]
async fn what_providers_sign_comes_through_the_gateway_in_every_header_that_is_theirs() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let (client, token) = (Client::new(plinth.peer()), ada.token().expose());
    let (secret, body) = ("a-secret-of-theirs", r#"{"id":"evt_1"}"#);
    let tag = |parts: &[&str]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        data_encoding::HEXLOWER.encode(hmac::sign(&key, parts.concat().as_bytes()).as_ref())
    };
    let at = ids::Timestamp::now().unix_seconds().to_string();
    let timed = |name: &str| tag(&[name, &at, if name.is_empty() { "." } else { ":" }, body]);
    let mut hooks = vec![
        (Scheme::Stripe, None, vec![("stripe-signature", format!("t={at},v1={}", timed("")))]),
        (Scheme::Github, None, vec![("x-hub-signature-256", format!("sha256={}", tag(&[body])))]),
        (
            Scheme::Slack,
            None,
            vec![
                ("x-slack-request-timestamp", at.clone()),
                ("x-slack-signature", format!("v0={}", timed("v0:"))),
            ],
        ),
    ];
    for header in SIGNATURE_HEADERS {
        let options = HmacOptions { header: header.to_owned(), ..HmacOptions::default() };
        hooks.push((Scheme::Hmac, Some(options), vec![(header, tag(&[body]))]));
    }
    for (scheme, hmac, headers) in hooks {
        let new = NewSource { name: "theirs".to_owned(), scheme, secret: Some(secret.to_owned()), hmac };
        let source = client.create_source(token, &new).await.unwrap();
        let mut request = testing::http().post(format!("{}{}", plinth.url(), source.path)).body(body);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        assert_eq!(request.send().await.unwrap().status(), 200, "{scheme:?}: {headers:?}");
        assert_eq!(client.received(token, source.id, None).await.unwrap().data.len(), 1, "{scheme:?}");
    }
}

#[tokio::test]
async fn deliveries_go_on_while_redis_is_emptied_and_gone() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let (client, token) = (Client::new(plinth.peer()), ada.token().expose());
    let (_, command) = receivers().into_iter().next().unwrap();
    let port = port::free().unwrap();
    let endpoint = client
        .create_endpoint(token, &NewEndpoint::at(format!("http://127.0.0.1:{port}/")))
        .await
        .unwrap()
        .id;
    let secret = client.secret(token, endpoint).await.unwrap().secret;
    let mut receiver = Behind { endpoint, port, name: "Python", command };
    let _program = receiver.start(&plinth, &secret).await;
    let before = send(&client, token, "order.paid").await;
    plinth.kill("redis");
    let meanwhile = send(&client, token, "order.paid").await;
    for message in [before, meanwhile] {
        assert_eq!(delivered(&tried(&client, token, message).await), 1);
    }
}

#[test]
fn the_guide_shows_what_is_run() {
    let guide = fs::read_to_string(guides().join(format!("{GUIDE}.md"))).unwrap();
    for file in ["python/receiver.py", "node/receiver.mjs", "rust/main.rs"] {
        let text = fs::read_to_string(guides().join(GUIDE).join(file)).unwrap();
        assert!(guide.contains(&text), "{file} is another one in the guide");
    }
    // Plinth calls none of its own ports.
    let (_, rest) = guide.split_once("http://127.0.0.1:").unwrap();
    let port: u16 = rest.split('/').next().unwrap().parse().unwrap();
    assert!(Service::ALL.iter().all(|service| ![service.port(), service.internal_port()].contains(&port)));
}

#[tokio::test]
async fn what_happens_in_plinth_arrives_at_a_customers_endpoint() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let (client, token) = (Client::new(plinth.peer()), ada.token().expose());
    let nowhere = NewEndpoint {
        event_types: ["prefs.changed", "user.updated"].map(str::to_owned).into(),
        ..NewEndpoint::at(format!("http://127.0.0.1:{}/", port::free().unwrap()))
    };
    client.create_endpoint(token, &nowhere).await.unwrap();
    let (appearance, chosen) =
        ("appearance".parse().unwrap(), serde_json::from_str(r#"{"theme": "dark"}"#).unwrap());
    ada.prefs.replace_document(token, &appearance, "*", &chosen).await.unwrap();
    for _ in 0..600 {
        let messages = client.messages(token, None).await.unwrap().data;
        if let Some(found) = messages.iter().find(|one| one.event_type == "prefs.changed") {
            assert!(found.event_id.as_ref().is_some_and(|id| id.starts_with("evt_")), "{found:?}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came: {}", plinth.log("webhook"));
}
