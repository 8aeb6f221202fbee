use std::collections::BTreeSet;

use contract_webhook::{
    EndpointId, EndpointPatch, NewEndpoint, NewEventType, NewSource, Recover, Replay, SourcePatch, routes,
};
use futures_util::future::join_all;
use ids::Timestamp;
use testing::Person;

use crate::{
    receiver::Receiver,
    spawn::{WRITER, refused, spawn},
};

#[actix_web::test]
async fn an_endpoint_is_made_read_changed_and_deleted() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let new = NewEndpoint {
        event_types: vec!["order.paid".to_owned()],
        description: "The shop's.".to_owned(),
        ordered: true,
        ..NewEndpoint::at("https://Example.com/hooks?x=1")
    };
    let made = webhook.client.create_endpoint(&token, &new).await.unwrap();
    assert_eq!((made.url.as_deref(), made.rate_limit), (Some("https://example.com/hooks?x=1"), 10));
    assert!(made.enabled && made.ordered);
    assert_eq!(webhook.client.endpoint(&token, made.id).await.unwrap(), made);

    let patch =
        EndpointPatch { rate_limit: Some(500), event_types: Some(vec![]), ..EndpointPatch::default() };
    let changed = webhook.client.update_endpoint(&token, made.id, &patch).await.unwrap();
    assert_eq!((changed.rate_limit, changed.event_types.len()), (500, 0));
    assert_eq!((&changed.url, &changed.description), (&made.url, &made.description));
    assert!(changed.updated_at > made.updated_at && changed.created_at == made.created_at);

    for enabled in [false, false, true] {
        let put = webhook.client.put_on(&token, made.id, enabled).await.unwrap();
        assert_eq!(put.enabled, enabled);
    }
    webhook.client.delete_endpoint(&token, made.id).await.unwrap();
    assert_eq!(refused(webhook.client.endpoint(&token, made.id).await).code, "webhook_endpoint_not_found");
    assert_eq!(refused(webhook.client.delete_endpoint(&token, made.id).await).status, 404);
    assert_eq!(webhook.number("SELECT count(*) FROM endpoint_secrets").await, 0);
}

#[actix_web::test]
async fn a_list_is_whole_and_nobody_elses() {
    let webhook = spawn().await;
    let (token, stranger) = (webhook.writer(), webhook.writer());
    let mut made = Vec::new();
    for number in 0..25 {
        made.push(webhook.endpoint(&token, &format!("https://example.com/{number}")).await);
    }
    webhook.endpoint(&stranger, "https://example.com/other").await;
    let first = webhook.client.endpoints(&token, None).await.unwrap();
    let rest = webhook.client.endpoints(&token, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!((first.data.len(), rest.next_cursor), (20, None));
    assert_eq!([first.data, rest.data].concat(), made);
}

#[actix_web::test]
async fn nobody_reads_or_changes_anothers_endpoint() {
    let webhook = spawn().await;
    let (owner, stranger) = (webhook.writer(), webhook.writer());
    let id = webhook.endpoint(&owner, "https://example.com/").await.id;
    let (client, nothing) = (&webhook.client, EndpointPatch::default());
    for outcome in [
        client.endpoint(&stranger, id).await.map(drop),
        client.update_endpoint(&stranger, id, &nothing).await.map(drop),
        client.put_on(&stranger, id, false).await.map(drop),
        client.secret(&stranger, id).await.map(drop),
        client.rotate_secret(&stranger, id, &Default::default()).await,
        client.test(&stranger, id).await.map(drop),
        client.delete_endpoint(&stranger, id).await,
        client.endpoint(&stranger, EndpointId::generate()).await.map(drop),
    ] {
        assert_eq!(refused(outcome).code, "webhook_endpoint_not_found");
    }
    assert!(client.endpoint(&owner, id).await.unwrap().enabled);
}

/// And a colleague reads and changes what is the organisation's.
#[actix_web::test]
async fn an_endpoint_is_its_organisations() {
    let webhook = spawn().await;
    let owner = Person::with_scopes(WRITER);
    let id = webhook.endpoint(&webhook.token(&owner), "https://example.com/").await.id;
    let colleague = webhook.token(&owner.colleague());
    assert!(!webhook.client.put_on(&colleague, id, false).await.unwrap().enabled);
}

#[actix_web::test]
async fn of_many_at_once_a_hundred_are_made() {
    let webhook = spawn().await;
    let token = webhook.writer();
    for number in 0..90 {
        webhook.endpoint(&token, &format!("https://example.com/{number}")).await;
    }
    let new = NewEndpoint::at("https://example.com/");
    let outcomes = join_all((0..30).map(|_| webhook.client.create_endpoint(&token, &new))).await;
    let codes = outcomes.into_iter().filter(Result::is_err).map(|outcome| refused(outcome).code);
    let codes: Vec<String> = codes.collect();
    assert_eq!(codes, vec!["too_many"; 20]);
    assert_eq!(webhook.number("SELECT count(*) FROM endpoints").await, 100);
    webhook.endpoint(&webhook.writer(), "https://example.com/").await;
}

#[actix_web::test]
async fn one_that_is_made_twice_with_a_key_is_one_and_its_reply_holds_no_secret() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let make = async || {
        let request = webhook.http.post(format!("{}{}", webhook.base, routes::ENDPOINTS));
        let request = request.bearer_auth(&token).header("idempotency-key", "k1");
        request.json(&NewEndpoint::at("https://example.com/")).send().await.unwrap()
    };
    let (first, second) = (make().await, make().await);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (201, 201));
    assert_eq!(second.headers()["idempotency-replayed"], "true");
    let (first, second) = (first.text().await.unwrap(), second.text().await.unwrap());
    assert!(first == second && !first.contains("whsec_"), "{first}");
    assert_eq!(webhook.number("SELECT count(*) FROM endpoints").await, 1);
}

#[actix_web::test]
async fn all_that_the_contract_lists_is_audited() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let id = webhook.endpoint(&token, "https://example.com/").await.id;
    let patch = EndpointPatch { rate_limit: Some(1), ..EndpointPatch::default() };
    webhook.client.update_endpoint(&token, id, &patch).await.unwrap();
    webhook.client.secret(&token, id).await.unwrap();
    webhook.client.rotate_secret(&token, id, &Default::default()).await.unwrap();
    let recover = Recover { since: Timestamp::now() };
    webhook.client.recover(&token, id, &recover).await.unwrap();
    webhook.client.replay(&token, id, &Replay { since: Timestamp::now() }).await.unwrap();
    webhook.client.delete_endpoint(&token, id).await.unwrap();
    let gone = Receiver::answering("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n").await;
    webhook.endpoint(&token, &gone.url).await;
    webhook.sent(&token, "a").await;
    let new: NewEventType = serde_json::from_str(r#"{"name": "a"}"#).unwrap();
    webhook.client.create_event_type(&token, &new).await.unwrap();
    webhook.client.replace_event_type(&token, "a", &new.says()).await.unwrap();
    webhook.client.delete_event_type(&token, "a").await.unwrap();
    let new: NewSource = serde_json::from_str(r#"{"name": "a", "scheme": "hmac"}"#).unwrap();
    let source = webhook.client.create_source(&token, &new).await.unwrap().id;
    webhook.client.source_secret(&token, source).await.unwrap();
    webhook.client.update_source(&token, source, &SourcePatch::default()).await.unwrap();
    webhook.client.delete_source(&token, source).await.unwrap();
    let rows = "SELECT json_agg(action)::text FROM audit_log";
    let rows: String = webhook.database.connect().await.query_one(rows, &[]).await.unwrap().get(0);
    let told: BTreeSet<String> = serde_json::from_str::<Vec<String>>(&rows).unwrap().into_iter().collect();
    // A link to the portal takes auth: see the tests through the gateway.
    let portal = contract_webhook::audited::PORTAL_LINK_CREATED.name;
    let listed = contract_webhook::audited::ALL.iter().map(|action| action.name);
    let listed: BTreeSet<String> = listed.filter(|name| *name != portal).map(str::to_owned).collect();
    assert_eq!(told, listed);
}
