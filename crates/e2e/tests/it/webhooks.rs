//! Webhooks through the gateway, to the guide's receivers, which verify by the official libraries.

use std::{fs, process::Command, time::Duration};

use contract_webhook::{
    Client, DeliveryState, EndpointId, Message, MessageId, NewEndpoint, NewMessage, NewSecret,
};
use e2e::{Plinth, Somebody};
use local_servers::port;
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
