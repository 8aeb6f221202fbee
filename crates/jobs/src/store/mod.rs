//! All SQL of jobs. Times are the database's own, so that no worker's clock matters.

mod claim;
mod finish;
mod fires;
mod lanes;
mod lease;
mod read;

pub(crate) use claim::{Claimed, Haul, Reach, claim, claim_in_lanes, promote};
pub(crate) use finish::{Ending, Finished, finish, finish_in_lanes};
pub(crate) use fires::{fire, last_fire, now};
pub(crate) use lanes::{lock, release};
pub(crate) use lease::{checkpoint, expire, progress, renew};
pub use read::{Cancelled, Count, Filter, Replayed, Stored};
pub(crate) use read::{UNSEEN, cancel, changed, counts, find, list, replay};

use std::time::Duration;

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, insert_into,
    pg::data_types::PgInterval,
    sql_types::{Integer, Interval, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{JobId, Timestamp};
use serde_json::{Value, json};
use service_kit::db::{self, statement};

use crate::{HINTS, NewJob, schema::jobs};

/// Puts a job into the queue; whether its unique key was free.
pub(crate) async fn insert(connection: &mut AsyncPgConnection, new: &NewJob) -> db::Result<bool> {
    let row = (
        jobs::id.eq(new.id),
        jobs::org_id.eq(new.org),
        jobs::user_id.eq(new.user),
        jobs::kind.eq(new.kind),
        jobs::payload.eq(&new.payload),
        jobs::context.eq(context(new)),
        jobs::priority.eq(new.policy.priority.number()),
        jobs::max_attempts.eq(i32::from(new.policy.max_attempts)),
        jobs::unique_key.eq(new.unique.as_deref()),
        jobs::lane.eq(new.lane.as_ref().map(|lane| lane.key.as_str())),
        jobs::lane_width.eq(lane_width(new)),
    );
    let insert = insert_into(jobs::table);
    let inserted = match new.run_at.filter(|at| *at > Timestamp::now()) {
        Some(at) => {
            let row = (row, jobs::state.eq("scheduled"), jobs::run_at.eq(at));
            insert.values(row).on_conflict_do_nothing().execute(connection).await?
        }
        None => {
            let row = (row, jobs::state.eq("ready"));
            insert.values(row).on_conflict_do_nothing().execute(connection).await?
        }
    };
    Ok(inserted > 0)
}

/// Puts jobs that are alike but for their payloads, keys and lanes into the queue, in their order.
pub(crate) async fn insert_all(connection: &mut AsyncPgConnection, new: &[NewJob]) -> db::Result<()> {
    let Some(first) = new.first() else { return Ok(()) };
    let sql = "
        INSERT INTO jobs (id, org_id, kind, payload, context, priority, state, max_attempts, unique_key,
                          lane, lane_width)
        SELECT new.id, $1, $2, new.payload, $3, $4, 'ready', $5, new.unique_key, new.lane, new.lane_width
        FROM ROWS FROM (jsonb_to_recordset($6) AS (
            id uuid, payload jsonb, unique_key text, lane text, lane_width smallint
        )) WITH ORDINALITY AS new (id, payload, unique_key, lane, lane_width, place)
        ORDER BY new.place";
    let row = |new: &NewJob| {
        let (lane, width) = (new.lane.as_ref().map(|lane| &lane.key), lane_width(new));
        let (id, payload, key) = (new.id.uuid(), &new.payload, &new.unique);
        json!({"id": id, "payload": payload, "unique_key": key, "lane": lane, "lane_width": width})
    };
    let query = statement(sql)
        .bind::<Nullable<SqlUuid>, _>(first.org)
        .bind::<Text, _>(first.kind)
        .bind::<Nullable<Jsonb>, _>(context(first))
        .bind::<SmallInt, _>(first.policy.priority.number())
        .bind::<Integer, _>(i32::from(first.policy.max_attempts))
        .bind::<Jsonb, _>(Value::Array(new.iter().map(row).collect()));
    query.execute(connection).await?;
    Ok(())
}

/// The request that causes it.
fn context(new: &NewJob) -> Option<Value> {
    let context = json!({"request_id": new.context.request_id, "traceparent": new.context.traceparent});
    new.context.request_id.is_some().then_some(context)
}

fn lane_width(new: &NewJob) -> Option<i16> {
    let width = new.lane.as_ref()?.width?;
    Some(i16::try_from(width).unwrap_or(i16::MAX))
}

/// The job that waits or runs under a unique key.
pub(crate) async fn active(
    connection: &mut AsyncPgConnection,
    kind: &str,
    unique: Option<&str>,
) -> db::Result<Option<JobId>> {
    let of_kind = jobs::table.filter(jobs::kind.eq(kind)).filter(jobs::unique_key.eq(unique));
    Ok(of_kind.select(jobs::id).first(connection).await.optional()?)
}

/// Tells workers, once the transaction commits: nothing in particular, or one job's id.
pub(crate) async fn notify(connection: &mut AsyncPgConnection, payload: &str) -> db::Result<()> {
    let notify = statement("SELECT pg_notify($1, $2)");
    notify.bind::<Text, _>(HINTS.channel()).bind::<Text, _>(payload).execute(connection).await?;
    Ok(())
}

/// Has `connection` hear what [`notify`] tells.
pub(crate) async fn listen(connection: &mut AsyncPgConnection) -> db::Result<()> {
    statement(format!("LISTEN {}", HINTS.channel())).execute(connection).await?;
    Ok(())
}

/// Prepares `connection` for claims. They do not wait for the disk: when the server crashes, the last
/// ones may be forgotten, so that their jobs are ready again, and the leases hold nothing. And they go by the
/// indexes: a plan that was made while the queue was short would go through all of the table ever after, with
/// all that VACUUM has not removed yet.
pub(crate) async fn prepare_for_claims(connection: &mut AsyncPgConnection) -> db::Result<()> {
    statement("SET synchronous_commit = off").execute(connection).await?;
    statement("SET enable_seqscan = off").execute(connection).await?;
    Ok(())
}

/// Has the statements of this transaction go by the indexes, too.
pub(crate) async fn go_by_indexes(connection: &mut AsyncPgConnection) -> db::Result<()> {
    statement("SELECT set_config('enable_seqscan', 'off', true)").execute(connection).await?;
    Ok(())
}

/// Makes the coming partitions of the history and drops those that ended before `keep`.
pub(crate) async fn rotate_history(connection: &mut AsyncPgConnection, keep: Duration) -> db::Result<()> {
    statement("SELECT jobs_rotate_history($1)")
        .bind::<Interval, _>(interval(keep))
        .execute(connection)
        .await?;
    Ok(())
}

fn interval(span: Duration) -> PgInterval {
    PgInterval::from_microseconds(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}
