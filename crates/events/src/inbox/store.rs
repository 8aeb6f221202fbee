//! All SQL of the inbox.

use std::time::Duration;

use contract_events::Envelope;
use diesel::{
    ExpressionMethods, QueryDsl, insert_into,
    sql_types::{BigInt, Double, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::EventId;
use service_discovery::Service;
use service_kit::db::{self, statement};

use crate::schema::{event_inbox as inbox, event_positions as positions};

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

/// The version of its aggregate that was handled, if `event` is not newer; if it is, none
/// older is handled from now on.
pub(super) async fn overtaken_by(
    conn: &mut AsyncPgConnection,
    publisher: Service,
    event: &Envelope,
) -> db::Result<Option<i64>> {
    let sql = "
        INSERT INTO event_positions AS p (publisher, aggregate, version) VALUES ($1, $2, $3)
        ON CONFLICT (publisher, aggregate) DO UPDATE SET version = excluded.version
        WHERE p.version < excluded.version";
    let query = statement(sql)
        .bind::<Text, _>(publisher.name())
        .bind::<Text, _>(&event.aggregate)
        .bind::<BigInt, _>(event.version);
    if query.execute(conn).await? == 1 {
        return Ok(None);
    }
    let handled = positions::table.find((publisher.name(), &event.aggregate)).select(positions::version);
    Ok(Some(handled.first(conn).await?))
}

/// Forgets some of the events that came longer ago than `keep`; gives how many.
pub(crate) async fn prune(conn: &mut AsyncPgConnection, keep: Duration, most: i64) -> db::Result<usize> {
    let sql = "
        DELETE FROM event_inbox WHERE id IN (
            SELECT id FROM event_inbox
            WHERE received_at < clock_timestamp() - make_interval(secs => $1)
            ORDER BY received_at LIMIT $2
        )";
    let query = statement(sql).bind::<Double, _>(keep.as_secs_f64()).bind::<BigInt, _>(most);
    Ok(query.execute(conn).await?)
}
