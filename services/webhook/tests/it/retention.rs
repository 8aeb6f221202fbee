//! How long messages are kept: what is too old is gone, rows and tables.

use contract_webhook::NewMessage;
use serde_json::value::RawValue;

use crate::{
    receiver::Receiver,
    spawn::{Webhook, refused, spawn_with},
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// Makes all that is there older by so many days, with the partitions that it would lie in.
const AGED: &str = "
    DO $$
    DECLARE parent text; day date := (now() AT TIME ZONE 'UTC')::date - $DAYS;
    BEGIN
        FOREACH parent IN ARRAY ARRAY['messages', 'deliveries', 'attempts'] LOOP
            EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                parent || '_' || to_char(day, 'YYYYMMDD'), parent,
                message_id_at(day::timestamp AT TIME ZONE 'UTC'),
                message_id_at((day + 1)::timestamp AT TIME ZONE 'UTC'));
        END LOOP;
        CREATE TEMP TABLE aged AS
            SELECT id AS old, (left(message_id_at(day::timestamp AT TIME ZONE 'UTC')::text, 13) || right(id::text, 23))::uuid AS new
            FROM messages;
        UPDATE attempts SET message_id = new FROM aged WHERE message_id = old;
        UPDATE deliveries SET message_id = new FROM aged WHERE message_id = old;
        UPDATE message_event_ids SET message_id = new FROM aged WHERE message_id = old;
        UPDATE messages SET id = new FROM aged WHERE id = old;
        DROP TABLE aged;
    END $$";

const PARTITIONS: &str = "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'
                          AND relname ~ '^(messages|deliveries|attempts)_[0-9]{8}$'";

const ROWS: &str = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM deliveries)
                    + (SELECT count(*) FROM attempts) + (SELECT count(*) FROM message_event_ids)";

impl Webhook {
    async fn age(&self, days: &str) {
        self.database.connect().await.batch_execute(&AGED.replace("$DAYS", days)).await.unwrap();
    }

    async fn rotate(&self) {
        let sql = "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts)
                   VALUES (gen_random_uuid(), 'webhook.rotate_messages', '{}', 2, 'ready', 1)";
        self.database.connect().await.execute(sql, &[]).await.unwrap();
        self.idle().await;
        assert_eq!(self.number("SELECT count(*) FROM jobs_history WHERE outcome <> 'succeeded'").await, 0);
    }
}

#[actix_web::test]
async fn what_is_older_than_it_is_kept_is_dropped_with_its_partition() {
    let webhook = spawn_with(&[("WEBHOOK__RETENTION__DAYS", "20")]).await;
    let (token, receiver) = (webhook.writer(), Receiver::answering(OK).await);
    webhook.endpoint(&token, &receiver.url).await;
    let new = NewMessage {
        event_type: "a".to_owned(),
        payload: RawValue::from_string("{}".to_owned()).unwrap(),
        event_id: Some("one".to_owned()),
    };
    let first = webhook.client.send(&token, &new).await.unwrap();
    webhook.idle().await;
    assert_eq!(
        (webhook.number(ROWS).await, webhook.number(PARTITIONS).await),
        (4, 24),
        "three of today and a week"
    );
    webhook.age("19").await;
    webhook.rotate().await;
    assert_eq!((webhook.number(ROWS).await, webhook.number(PARTITIONS).await), (4, 27), "it is not too old");
    let again = webhook.client.send(&token, &new).await.unwrap();
    assert!(
        again.id != first.id && receiver.posted().len() == 1,
        "what is kept is not sent twice: it is older now"
    );
    webhook.age("21").await;
    webhook.rotate().await;
    assert_eq!(
        (webhook.number(ROWS).await, webhook.number(PARTITIONS).await),
        (0, 27),
        "the older day is gone"
    );
    refused(webhook.client.message(&token, first.id).await);
    assert_ne!(webhook.client.send(&token, &new).await.unwrap().id, again.id, "its id is free");
}
