//! What the other services tell: events that customers may have, what ends an organisation, what is
//! about a person; and what webhook tells itself.

use std::{collections::BTreeSet, time::Duration};

use contract_auth::{
    PersonalData,
    events::{MailRequested, OrganizationDeleted, UserUpdated},
    personal_data_path,
};
use contract_events::{Batch, Envelope, Event, inbox_path};
use contract_webhook::{DeliveryState, NewEndpoint, NewEventType};
use ids::{EventId, OrgId, Timestamp, UserId};
use serde_json::{Value, json};
use service_discovery::Service;
use testing::Person;

use crate::{
    receiver::Receiver,
    spawn::{WRITER, Webhook, spawn, spawn_with},
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const GONE: &str = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";

/// An event as auth's relay pushes it.
fn envelope<E: Event>(event: &E) -> Envelope {
    Envelope {
        id: EventId::generate(),
        kind: E::TYPE.to_owned(),
        org_id: event.org(),
        aggregate: event.aggregate(),
        version: event.version(),
        occurred_at: Timestamp::now(),
        data: serde_json::to_value(event).unwrap(),
    }
}

impl Webhook {
    async fn told(&self, events: &[Envelope]) {
        let request = self.http.post(format!("{}{}", self.internal, inbox_path("webhook")));
        let batch = Batch { events: events.to_vec() };
        let request = request.bearer_auth(self.token_of(Service::Auth)).json(&batch);
        assert_eq!(request.send().await.unwrap().status(), 200);
        self.idle().await;
    }

    /// What it tells auth about a person; the status, if it tells nothing.
    async fn about(&self, token: &str, user: UserId) -> Result<PersonalData, u16> {
        let url = format!("{}{}?user_id={user}", self.internal, personal_data_path(Service::Webhook));
        let reply = self.http.get(url).bearer_auth(token).send().await.unwrap();
        if reply.status() == 200 { Ok(reply.json().await.unwrap()) } else { Err(reply.status().as_u16()) }
    }
}

fn updated(org: OrgId) -> UserUpdated {
    UserUpdated { user_id: UserId::generate(), org_id: org, changed: "profile".to_owned(), version: 2 }
}

#[actix_web::test]
async fn a_public_event_of_another_service_reaches_its_organisations_endpoints_once() {
    let webhook = spawn().await;
    let (ada, grace) = (Person::with_scopes(WRITER), Person::with_scopes(WRITER));
    let [receiver, foreign, other] = [(); 3].map(|()| Receiver::answering(OK));
    let (receiver, foreign, other) = (receiver.await, foreign.await, other.await);
    let token = webhook.token(&ada);
    let new =
        |url: &str, name: &str| NewEndpoint { event_types: vec![name.to_owned()], ..NewEndpoint::at(url) };
    webhook.client.create_endpoint(&token, &new(&receiver.url, "user.updated")).await.unwrap();
    webhook.client.create_endpoint(&token, &new(&other.url, "user.deleted")).await.unwrap();
    webhook.endpoint(&webhook.token(&grace), &foreign.url).await;
    let event = envelope(&updated(ada.org));
    let nobodys = envelope(&updated(OrgId::generate()));
    let private = MailRequested { org_id: Some(ada.org), ..MailRequested::example() };
    let private = envelope(&private);
    for _ in 0..2 {
        webhook.told(&[event.clone(), nobodys.clone(), private.clone()]).await;
    }
    let posted = receiver.posted();
    assert_eq!((posted.len(), foreign.posted().len(), other.posted().len()), (1, 0, 0));
    let body: Value = serde_json::from_slice(&posted[0].body).unwrap();
    assert_eq!(body, json!({"type": "user.updated", "timestamp": event.occurred_at, "data": event.data}));
    let listed = webhook.client.messages(&token, None).await.unwrap().data;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].event_id, Some(event.id.to_string()));
    assert_eq!(webhook.number("SELECT count(*) FROM messages").await, 1, "nobody gets the others");
}

#[actix_web::test]
async fn what_an_organisation_had_goes_with_it_and_nothing_else() {
    let webhook = spawn().await;
    let (ada, grace) = (Person::with_scopes(WRITER), Person::with_scopes(WRITER));
    let receiver = Receiver::answering(OK).await;
    for person in [&ada, &grace] {
        let token = webhook.token(person);
        webhook.endpoint(&token, &receiver.url).await;
        let new: NewEventType = serde_json::from_str(r#"{"name": "b"}"#).unwrap();
        webhook.client.create_event_type(&token, &new).await.unwrap();
        for _ in 0..3 {
            webhook.sent(&token, "a").await;
        }
        webhook.received(&token).await;
    }
    webhook.told(&[envelope(&OrganizationDeleted { org_id: ada.org, version: 9 })]).await;
    let erased = "SELECT count(*) FROM jobs WHERE kind = 'webhook.erase_organization' AND run_at <= now()";
    while webhook.number(erased).await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for table in [
        "event_types",
        "endpoints",
        "endpoint_secrets",
        "endpoint_turns",
        "messages",
        "deliveries",
        "attempts",
        "message_event_ids",
        "sources",
        "received",
    ] {
        let of = async |person: &Person| {
            let sql = format!("SELECT count(*) FROM {table} WHERE org_id = '{}'", person.org.uuid());
            webhook.number(&sql).await
        };
        assert_eq!(of(&ada).await, 0, "{table}");
        assert!(of(&grace).await > 0, "{table}");
    }
    let later = "SELECT count(*) FROM jobs WHERE kind = 'webhook.erase_organization' AND run_at > now() + interval '50 min'";
    assert_eq!(webhook.number(later).await, 1, "what a token that is left writes goes, too");
}

/// The tables that auth is told of, each with its section.
const TOLD: [(&str, &str); 1] = [("audit_log", "audit_log")];

/// Those that it is not told of, each with the reason.
const NOT_TOLD: [(&str, &str); 19] = [
    ("__diesel_schema_migrations", "the schema's"),
    ("attempts", "the organisation's"),
    ("deliveries", "the organisation's"),
    ("endpoint_secrets", "the organisation's"),
    ("endpoint_turns", "the organisation's"),
    ("endpoints", "the organisation's; who changed one is in the audit log"),
    ("event_inbox", "which events of others were taken: ids of events"),
    ("event_positions", "the newest version of each thing that others told of"),
    ("event_subscribers", "services"),
    ("event_types", "the organisation's; who changed one is in the audit log"),
    ("events", "what other services were told, by ids of organisations and endpoints"),
    ("idempotency_records", "sealed replies for a day, which the person was given"),
    ("job_fires", "schedules"),
    ("jobs", "work that waits, by ids"),
    ("jobs_history", "work that was done, by ids"),
    ("message_event_ids", "the organisation's"),
    ("messages", "the organisation's: what it sends is its own affair"),
    ("received", "the organisation's: what its providers told it"),
    ("sources", "the organisation's; who changed one is in the audit log"),
];

#[actix_web::test]
async fn auth_is_told_what_a_person_did_and_every_table_says_whose_it_is() {
    let webhook = spawn().await;
    let ada = Person::with_scopes(WRITER);
    let (token, receiver) = (webhook.token(&ada), Receiver::answering(OK).await);
    webhook.endpoint(&token, &receiver.url).await;
    let auth = webhook.token_of(Service::Auth);
    let told = webhook.about(&auth, ada.user).await.unwrap();
    let done = told.sections["audit_log"].as_array().unwrap();
    assert_eq!((done.len(), &done[0]["action"]), (1, &json!("webhook_endpoint.created")));
    let nobody = webhook.about(&auth, UserId::generate()).await.unwrap();
    assert_eq!(nobody.sections["audit_log"], json!([]));
    for token in [token, webhook.token_of(Service::Gateway)] {
        assert_eq!(webhook.about(&token, ada.user).await, Err(403));
    }
    let sql = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                   AND c.relname <> 'plinth_migration_checksums'";
    let tables = webhook.database.connect().await.query(sql, &[]).await.unwrap();
    let tables: BTreeSet<String> = tables.iter().map(|row| row.get(0)).collect();
    let known = TOLD.iter().chain(&NOT_TOLD).map(|(table, _)| (*table).to_owned());
    assert_eq!(known.collect::<BTreeSet<_>>(), tables);
}

#[actix_web::test]
async fn an_endpoint_that_is_put_off_is_told_to_the_others_and_audited_once() {
    let webhook = spawn_with(&[("WEBHOOK__DELIVERY__WAITS", "0")]).await;
    let (token, gone, other) =
        (webhook.writer(), Receiver::answering(GONE).await, Receiver::answering(OK).await);
    let endpoint = webhook.for_types(&token, &gone.url, &["a"]).await;
    webhook.for_types(&token, &other.url, &["webhook_endpoint.disabled"]).await;
    for _ in 0..2 {
        let sent = webhook.sent(&token, "a").await;
        assert!(sent.deliveries.iter().all(|one| one.state != DeliveryState::Delivered));
    }
    webhook.idle().await;
    let posted = other.posted();
    assert_eq!(posted.len(), 1);
    let body: Value = serde_json::from_slice(&posted[0].body).unwrap();
    assert_eq!(body["type"], "webhook_endpoint.disabled");
    let id = endpoint.id.to_string();
    let data = &body["data"];
    assert_eq!(
        (&data["endpoint_id"], &data["reason"], &data["version"]),
        (&id.clone().into(), &"gone".into(), &1.into())
    );
    assert_eq!(webhook.number("SELECT count(*) FROM events").await, 1);
    let audited = "SELECT count(*) FROM audit_log
                   WHERE action = 'webhook_endpoint.disabled' AND actor = 'service:webhook' AND org_id IS NOT NULL";
    assert_eq!(webhook.number(audited).await, 1);
}
