//! All SQL of the log: what publishers write.

use contract_events::Event;
use diesel::{ExpressionMethods, dsl::insert_into, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::EventId;
use serde_json::Value;
use service_kit::db;

use crate::{hint, schema::events};

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

/// Wakes the relays when the transaction commits.
pub(crate) async fn hint(conn: &mut AsyncPgConnection) -> db::Result<()> {
    diesel::select(pg_notify(hint::CHANNEL, "")).execute(conn).await?;
    Ok(())
}
