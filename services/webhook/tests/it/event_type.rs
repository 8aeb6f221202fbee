//! The catalogue, and what it is good for: messages that say what they should.

use contract_webhook::{EventTypeSays, NewEventType, NewMessage};
use serde_json::{Value, json, value::RawValue};

use crate::spawn::{refused, spawn};

fn order_paid() -> NewEventType {
    NewEventType {
        name: "order.paid".to_owned(),
        description: "An order was paid.".to_owned(),
        schema: Some(json!({
            "type": "object",
            "required": ["order_id"],
            "properties": {"order_id": {"type": "string", "maxLength": 8}}
        })),
        example: Some(json!({"order_id": "1042"})),
    }
}

fn message(event_type: &str, payload: &Value) -> NewMessage {
    let payload = RawValue::from_string(payload.to_string()).unwrap();
    NewMessage { event_type: event_type.to_owned(), payload, event_id: None }
}

#[actix_web::test]
async fn a_type_is_registered_read_replaced_and_deleted() {
    let webhook = spawn().await;
    let (token, stranger) = (webhook.writer(), webhook.writer());
    let client = &webhook.client;
    let made = client.create_event_type(&token, &order_paid()).await.unwrap();
    assert!(made.schema == order_paid().schema && made.example == order_paid().example && !made.platform);
    assert_eq!(client.event_type(&token, "order.paid").await.unwrap(), made);
    assert_eq!(refused(client.event_type(&stranger, "order.paid").await).status, 404);
    let twice = refused(client.create_event_type(&token, &order_paid()).await);
    assert_eq!((twice.status, twice.code.as_str()), (409, "event_type_exists"));
    let listed = client.event_types(&token, None).await.unwrap().data;
    assert_eq!(listed.iter().filter(|one| !one.platform).collect::<Vec<_>>(), [&made]);
    let says = EventTypeSays { description: "Paid.".to_owned(), ..EventTypeSays::default() };
    let replaced = client.replace_event_type(&token, "order.paid", &says).await.unwrap();
    assert_eq!((replaced.description.as_str(), replaced.schema), ("Paid.", None));
    assert_eq!(refused(client.replace_event_type(&stranger, "order.paid", &says).await).status, 404);
    client.delete_event_type(&token, "order.paid").await.unwrap();
    assert_eq!(
        refused(client.delete_event_type(&token, "order.paid").await).code,
        "webhook_event_type_not_found"
    );
    let audited =
        "SELECT count(*) FROM audit_log WHERE action LIKE 'webhook_event_type.%' AND target = 'order.paid'";
    assert_eq!(webhook.number(audited).await, 3);
}

#[actix_web::test]
async fn what_the_platform_tells_is_in_the_catalogue_and_nobody_elses_to_send_or_change() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let client = &webhook.client;
    let listed = client.event_types(&token, None).await.unwrap().data;
    let names: Vec<&str> = listed.iter().filter(|one| one.platform).map(|one| one.name.as_str()).collect();
    for name in
        ["user.created", "organization.updated", "prefs.changed", "flag.changed", "webhook_endpoint.disabled"]
    {
        assert!(names.contains(&name), "{name} in {names:?}");
        let shown = client.event_type(&token, name).await.unwrap();
        assert!(shown.schema.is_some() && shown.example.is_some());
    }
    assert!(!names.contains(&"mail.requested"), "it is not public");
    let new = NewEventType { name: "user.created".to_owned(), ..order_paid() };
    assert_eq!(refused(client.create_event_type(&token, &new).await).code, "event_type_reserved");
    let says = EventTypeSays::default();
    assert_eq!(refused(client.replace_event_type(&token, "user.created", &says).await).status, 409);
    let forged = refused(client.send(&token, &message("user.created", &json!({}))).await);
    assert_eq!((forged.status, forged.errors[0].code.as_str()), (422, "event_type_reserved"));
}

#[actix_web::test]
async fn a_payload_fits_its_schema_or_is_refused_with_all_faults_and_changes_nothing() {
    let webhook = spawn().await;
    let (token, stranger) = (webhook.writer(), webhook.writer());
    let client = &webhook.client;
    client.create_event_type(&token, &order_paid()).await.unwrap();
    client.send(&token, &message("order.paid", &json!({"order_id": "1042"}))).await.unwrap();
    for (payload, pointer, code) in [
        (json!({}), "/payload/order_id", "missing_key"),
        (json!({"order_id": 1}), "/payload/order_id", "wrong_type"),
        (json!({"order_id": "123456789"}), "/payload/order_id", "too_long"),
        (json!("1042"), "/payload", "wrong_type"),
    ] {
        let problem = refused(client.send(&token, &message("order.paid", &payload)).await);
        let fault = &problem.errors[0];
        assert_eq!((problem.status, fault.pointer.as_str(), fault.code.as_str()), (422, pointer, code));
    }
    assert_eq!(webhook.number("SELECT count(*) FROM messages").await, 1);
    client.send(&token, &message("order.made", &json!({}))).await.expect("a type without a schema");
    client.send(&stranger, &message("order.paid", &json!({}))).await.expect("another organisation's");
    // What is compiled is kept, but never longer than it holds.
    let wider = EventTypeSays { schema: Some(json!({"type": "string"})), ..EventTypeSays::default() };
    client.replace_event_type(&token, "order.paid", &wider).await.unwrap();
    client.send(&token, &message("order.paid", &json!("1042"))).await.unwrap();
    refused(client.send(&token, &message("order.paid", &json!({"order_id": "1042"}))).await);
}

#[actix_web::test]
async fn a_schema_that_could_harm_and_an_example_that_does_not_fit_are_refused() {
    let webhook = spawn().await;
    let token = webhook.writer();
    for (schema, example, pointer) in [
        (json!({"$ref": "http://127.0.0.1/x"}), json!(1), "/schema/$ref"),
        (json!({"pattern": "(?=a)b"}), json!("b"), "/schema/pattern"),
        (json!({"type": "string"}), json!(1), "/example"),
        (json!({"typo": "string"}), json!(1), "/schema/typo"),
    ] {
        let new = NewEventType { schema: Some(schema), example: Some(example), ..order_paid() };
        let problem = refused(webhook.client.create_event_type(&token, &new).await);
        assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, pointer));
    }
    assert_eq!(webhook.number("SELECT count(*) FROM event_types").await, 0);
}
