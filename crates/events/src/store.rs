//! All SQL of the log but the relay's.

use std::time::Duration;

use contract_events::Event;
use diesel::{
    ExpressionMethods, insert_into,
    sql_types::{BigInt, Double, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::EventId;
use serde_json::Value;
use service_kit::db::{self, statement};

use crate::{HINTS, schema::events};

#[diesel::declare_sql_function]
extern "SQL" {
    /// Says `payload` on `channel` when the transaction commits.
    fn pg_notify(channel: Text, payload: Text);
}

/// Adds an event to the log. diesel keeps the statement prepared.
pub(crate) async fn append<E: Event>(
    conn: &mut AsyncPgConnection,
    id: EventId,
    event: &E,
    data: &Value,
) -> db::Result<()> {
    let row = (
        events::id.eq(id),
        events::kind.eq(E::TYPE),
        events::org_id.eq(event.org()),
        events::aggregate.eq(event.aggregate()),
        events::version.eq(event.version()),
        events::data.eq(data),
    );
    insert_into(events::table).values(row).execute(conn).await?;
    Ok(())
}

/// Deletes some of the oldest events that are older than `keep` and that every
/// subscriber was told; gives how many. The order of `seq` is that of age but for
/// moments, so that looking at the oldest is enough.
pub(crate) async fn prune(conn: &mut AsyncPgConnection, keep: Duration, most: i64) -> db::Result<usize> {
    let sql = "
        DELETE FROM events WHERE seq IN (
            SELECT seq FROM (SELECT seq, xid, occurred_at FROM events ORDER BY seq LIMIT $2) AS oldest
            WHERE occurred_at < clock_timestamp() - make_interval(secs => $1)
              AND NOT EXISTS (SELECT FROM event_subscribers WHERE NOT pg_visible_in_snapshot(xid, seen))
        )";
    let query = statement(sql).bind::<Double, _>(keep.as_secs_f64()).bind::<BigInt, _>(most);
    Ok(query.execute(conn).await?)
}

/// Wakes the relays when the transaction commits.
pub(crate) async fn hint(conn: &mut AsyncPgConnection) -> db::Result<()> {
    diesel::select(pg_notify(HINTS.channel(), "")).execute(conn).await?;
    Ok(())
}
