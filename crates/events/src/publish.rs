use contract_events::Event;
use diesel::result::Error as DieselError;
use diesel_async::AsyncPgConnection;
use ids::EventId;
use serde_json::Value;
use service_kit::db;

use crate::{HINTS, store};

/// The most bytes of an event's data: an event says what happened, it carries no documents.
pub const MOST_BYTES: usize = 64 * 1024;

/// Writes `event` into the log, in the caller's transaction: it is told to every
/// subscriber if that commits, and to nobody if it does not.
///
/// For events of one aggregate to keep their order, the caller has written (or locked)
/// the aggregate's row in this transaction before: then the next one's writer waits.
///
/// # Errors
/// When the database is away, or the event's data is larger than [`MOST_BYTES`].
pub async fn publish<E: Event>(conn: &mut AsyncPgConnection, event: &E) -> db::Result<EventId> {
    let id = EventId::generate();
    store::append(conn, id, event, &data(event)?).await?;
    if HINTS.is_due() {
        store::hint(conn).await?;
    }
    Ok(id)
}

fn data<E: Event>(event: &E) -> Result<Value, DieselError> {
    let unfit =
        |why: String| DieselError::SerializationError(format!("an event `{}`: {why}", E::TYPE).into());
    let data = serde_json::to_value(event).map_err(|why| unfit(why.to_string()))?;
    match data.to_string().len() {
        bytes if bytes > MOST_BYTES => Err(unfit(format!("{bytes} bytes are more than {MOST_BYTES}"))),
        _ => Ok(data),
    }
}
