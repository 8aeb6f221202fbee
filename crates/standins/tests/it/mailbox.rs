use std::sync::atomic::Ordering;

use contract_auth::{Mail, MailKind, events::MailRequested};
use contract_events::{Batch, Envelope, Event};
use ids::{EventId, MailId, Timestamp};
use serde_json::{Value, json};
use service_discovery::Service;
use service_kit::settings::Reader;
use standins::{App, Settings};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::auth::{Auth, ORIGIN};

struct World {
    auth: Auth,
    public: String,
    internal: String,
    _stop: oneshot::Sender<()>,
    _ended: JoinHandle<std::io::Result<()>>,
}

impl World {
    async fn new() -> Self {
        let auth = Auth::start();
        let variables = [
            ("PLINTH_ENV", "development"),
            ("PLINTH_PUBLIC_URL", ORIGIN),
            ("AUTH_INTERNAL_URL", &auth.url),
            ("NOTIFY__HTTP__BIND", "127.0.0.1:0"),
            ("NOTIFY__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
            ("NOTIFY__CLIENT__SECRET", "a secret that only the tests know"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::read(Reader::new(Service::Notify, None, variables)).unwrap();
        let app = App::build(settings).unwrap();
        let (public, internal) = app.addresses().unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = actix_web::rt::spawn(app.run(async { drop(stopped.await) }));
        let [public, internal] = [public, internal].map(|address| format!("http://{address}"));
        testing::until_ready(&public).await;
        Self { auth, public, internal, _stop: stop, _ended: ended }
    }

    /// Pushes as the relay of `publisher` does.
    async fn push(&self, publisher: Service, events: &[Envelope]) -> (u16, Value) {
        self.push_with(&self.auth.token(publisher, Service::Notify), events).await
    }

    async fn push_with(&self, token: &str, events: &[Envelope]) -> (u16, Value) {
        let url = format!("{}/internal/v1/notify/events", self.internal);
        let batch = Batch { events: events.to_vec() };
        let reply = testing::http().post(url).bearer_auth(token).json(&batch).send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap())
    }

    async fn mails(&self, query: &str) -> Vec<Mail> {
        let reply = testing::http().get(format!("{}/api/mails{query}", self.public)).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        let mut body: Value = reply.json().await.unwrap();
        serde_json::from_value(body["data"].take()).unwrap()
    }
}

fn requested(mail_id: MailId, kind: MailKind) -> Envelope {
    let event = MailRequested { mail_id, kind, org_id: None };
    Envelope {
        id: EventId::generate(),
        kind: MailRequested::TYPE.to_owned(),
        org_id: None,
        aggregate: event.aggregate(),
        version: event.version(),
        occurred_at: Timestamp::now(),
        data: serde_json::to_value(event).unwrap(),
    }
}

#[actix_web::test]
async fn a_mail_that_is_requested_is_shown_as_auth_writes_it() {
    let world = World::new().await;
    let id = world.auth.holds("ada@example.com", MailKind::VerifyEmail);
    let other = world.auth.holds("bob@example.com", MailKind::MagicLink);
    let events = [requested(id, MailKind::VerifyEmail), requested(other, MailKind::MagicLink)];
    assert_eq!(world.push(Service::Auth, &events).await, (200, json!({ "accepted": 2 })));
    let all = world.mails("").await;
    assert_eq!(all.iter().map(|mail| mail.id).collect::<Vec<_>>(), [other, id]);
    let found = world.mails("?to=ada@example.com&kind=verify_email").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].token.as_ref().unwrap().expose(), "plt_x");
    let one = testing::http().get(format!("{}/api/mails/{id}", world.public)).send().await.unwrap();
    assert_eq!(one.json::<Mail>().await.unwrap().to, "ada@example.com");
    let page = testing::http().get(format!("{}/?to=ada@example.com", world.public)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(page.contains("ada@example.com") && !page.contains("bob@example.com"), "{page}");
}

#[actix_web::test]
async fn an_event_that_comes_again_brings_nothing_again() {
    let world = World::new().await;
    let id = world.auth.holds("ada@example.com", MailKind::VerifyEmail);
    let event = [requested(id, MailKind::VerifyEmail)];
    world.push(Service::Auth, &event).await;
    assert_eq!(world.push(Service::Auth, &event).await, (200, json!({ "accepted": 0 })));
    assert_eq!((world.mails("").await.len(), world.auth.state.fetched.load(Ordering::SeqCst)), (1, 1));
    let cleared = testing::http().delete(format!("{}/api/mails", world.public)).send().await.unwrap();
    assert_eq!(cleared.status(), 204);
    world.push(Service::Auth, &event).await;
    assert!(world.mails("").await.is_empty());
}

#[actix_web::test]
async fn a_mail_that_cannot_be_fetched_refuses_the_batch_until_it_can() {
    let world = World::new().await;
    let id = world.auth.holds("ada@example.com", MailKind::VerifyEmail);
    let event = [requested(id, MailKind::VerifyEmail)];
    world.auth.state.down.store(true, Ordering::SeqCst);
    let (status, problem) = world.push(Service::Auth, &event).await;
    assert_eq!((status, &problem["code"]), (503, &json!("auth_unavailable")));
    assert!(world.mails("").await.is_empty());
    world.auth.state.down.store(false, Ordering::SeqCst);
    assert_eq!(world.push(Service::Auth, &event).await.0, 200);
    assert_eq!(world.mails("").await.len(), 1);
}

#[actix_web::test]
async fn what_is_gone_unknown_or_not_about_mails_holds_up_nothing() {
    let world = World::new().await;
    let id = world.auth.holds("ada@example.com", MailKind::VerifyEmail);
    let gone = requested(MailId::generate(), MailKind::VerifyEmail);
    let mut unknown = requested(id, MailKind::VerifyEmail);
    unknown.data["kind"] = json!("of_a_later_release");
    let mut other = requested(id, MailKind::VerifyEmail);
    other.kind = "user.created".to_owned();
    let events = [gone, unknown, other, requested(id, MailKind::VerifyEmail)];
    assert_eq!(world.push(Service::Auth, &events).await.0, 200);
    assert_eq!(world.mails("").await.len(), 1);
}

#[actix_web::test]
async fn only_a_service_is_heard_and_of_mails_only_auth() {
    let world = World::new().await;
    let id = world.auth.holds("ada@example.com", MailKind::VerifyEmail);
    let event = [requested(id, MailKind::VerifyEmail)];
    assert_eq!(world.push(Service::Prefs, &event).await, (200, json!({ "accepted": 0 })));
    let elsewhere = world.auth.token(Service::Auth, Service::Prefs);
    for token in [elsewhere.as_str(), "none"] {
        assert_eq!(world.push_with(token, &event).await.0, 401);
    }
    assert!(world.mails("").await.is_empty());
}

#[actix_web::test]
async fn what_is_not_there_or_not_understood_is_a_problem() {
    let world = World::new().await;
    let ask = async |path: &str| {
        let reply = testing::http().get(format!("{}{path}", world.public)).send().await.unwrap();
        let status = reply.status().as_u16();
        let problem: Value = reply.json().await.unwrap();
        (status, problem["code"].as_str().unwrap().to_owned())
    };
    let unknown = format!("/api/mails/{}", MailId::generate());
    assert_eq!(ask(&unknown).await, (404, "mail_not_found".to_owned()));
    assert_eq!(ask("/api/mails?kind=telegram").await.0, 400);
    assert_eq!(ask("/api/mails?from=ada").await.0, 400);
}
