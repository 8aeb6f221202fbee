//! The fires of schedules.

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{JobId, Timestamp};
use service_kit::db::{self, statement};

#[derive(QueryableByName)]
struct At {
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
}

/// The database's clock.
pub(crate) async fn now(connection: &mut AsyncPgConnection) -> db::Result<Timestamp> {
    Ok(statement("SELECT clock_timestamp() AS at").get_result::<At>(connection).await?.at)
}

/// The last fire of a schedule up to `now` that is settled.
pub(crate) async fn last_fire(
    connection: &mut AsyncPgConnection,
    schedule: &str,
    now: Timestamp,
) -> db::Result<Option<Timestamp>> {
    let last = statement(
        "SELECT fire_at AS at FROM job_fires WHERE schedule = $1 AND fire_at <= $2 ORDER BY fire_at DESC LIMIT 1",
    );
    let last = last
        .bind::<Text, _>(schedule)
        .bind::<Timestamptz, _>(now)
        .get_result::<At>(connection)
        .await
        .optional()?;
    Ok(last.map(|row| row.at))
}

/// Settles one fire; whether nobody had before. Older ones than the last hundred are
/// forgotten.
pub(crate) async fn fire(
    connection: &mut AsyncPgConnection,
    schedule: &str,
    at: Timestamp,
    job: Option<JobId>,
) -> db::Result<bool> {
    let fired = statement(
        "INSERT INTO job_fires (schedule, fire_at, job_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    );
    let fired = fired
        .bind::<Text, _>(schedule)
        .bind::<Timestamptz, _>(at)
        .bind::<Nullable<SqlUuid>, _>(job)
        .execute(connection)
        .await?;
    let prune = statement(
        "DELETE FROM job_fires WHERE schedule = $1 AND fire_at < (
             SELECT fire_at FROM job_fires WHERE schedule = $1 ORDER BY fire_at DESC OFFSET 99 LIMIT 1)",
    );
    prune.bind::<Text, _>(schedule).execute(connection).await?;
    Ok(fired > 0)
}
