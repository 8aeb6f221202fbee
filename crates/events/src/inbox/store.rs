//! All SQL of the inbox.

use contract_events::Envelope;
use diesel::{
    ExpressionMethods, insert_into, sql_query,
    sql_types::{BigInt, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{EventId, Timestamp};
use service_discovery::Service;
use service_kit::db;

use crate::schema::event_inbox as inbox;

/// How many rows are deleted at a time.
const PORTION: i64 = 1000;

/// Notes that these events of `publisher` came; gives those that had not come before.
pub(super) async fn note(
    conn: &mut AsyncPgConnection,
    publisher: Service,
    events: &[Envelope],
) -> db::Result<Vec<EventId>> {
    let row = |event: &Envelope| {
        (
            inbox::id.eq(event.id),
            inbox::publisher.eq(publisher.name()),
            inbox::kind.eq(event.kind.clone()),
            inbox::aggregate.eq(event.aggregate.clone()),
            inbox::version.eq(event.version),
        )
    };
    let rows: Vec<_> = events.iter().map(row).collect();
    let insert = insert_into(inbox::table).values(rows).on_conflict_do_nothing().returning(inbox::id);
    Ok(insert.get_results(conn).await?)
}

/// Whether no newer event of its aggregate was handled; from now on, none older is.
pub(super) async fn is_newest(
    conn: &mut AsyncPgConnection,
    publisher: Service,
    event: &Envelope,
) -> db::Result<bool> {
    let sql = "
        INSERT INTO event_positions AS p (publisher, aggregate, version) VALUES ($1, $2, $3)
        ON CONFLICT (publisher, aggregate) DO UPDATE SET version = excluded.version
        WHERE p.version < excluded.version";
    let query = sql_query(sql)
        .bind::<Text, _>(publisher.name())
        .bind::<Text, _>(&event.aggregate)
        .bind::<BigInt, _>(event.version);
    Ok(query.execute(conn).await? == 1)
}

/// Forgets which events came before `before`; gives how many. Whoever forgets sooner
/// than publishers do takes an event that is told again for a new one.
///
/// # Errors
/// When the database is away. What was forgotten by then stays so.
pub async fn forget(conn: &mut AsyncPgConnection, before: Timestamp) -> db::Result<usize> {
    let sql = "DELETE FROM event_inbox WHERE id IN
                   (SELECT id FROM event_inbox WHERE received_at < $1 ORDER BY received_at LIMIT $2)";
    let mut forgotten = 0;
    loop {
        let query = sql_query(sql).bind::<Timestamptz, _>(before).bind::<BigInt, _>(PORTION);
        match query.execute(conn).await? {
            0 => return Ok(forgotten),
            count => forgotten += count,
        }
    }
}
