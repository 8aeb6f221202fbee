//! All SQL of experiments: each query names the organisation they belong to.

use contract_prefs::{Conversion, Experiment, ExperimentId, ExperimentState, NewExperiment};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Binary, Double, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use serde_json::Value;
use service_kit::{
    db::{self, statement},
    page::Page,
};

use super::rules::Counts;
use crate::flag_set::FlagError;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: ExperimentId,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Jsonb)]
    plan: Value,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    stopped_at: Option<Timestamp>,
}

impl TryFrom<Row> for Experiment {
    type Error = FlagError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let Row { id, state, plan, created_at, started_at, stopped_at } = row;
        let state = match state.as_str() {
            "draft" => ExperimentState::Draft,
            "running" => ExperimentState::Running,
            _ => ExperimentState::Stopped,
        };
        let plan = serde_json::from_value(plan).map_err(|_why| FlagError::Broken("a plan"))?;
        Ok(Self { id, state, created_at, started_at, stopped_at, plan })
    }
}

/// A page of experiments, oldest first, and one more if there is more.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    page: Page,
) -> Result<Vec<Experiment>, FlagError> {
    let sql = "SELECT * FROM experiments WHERE org_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    query.load::<Row>(conn).await?.into_iter().map(Experiment::try_from).collect()
}

/// One experiment.
pub(super) async fn find(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: ExperimentId,
) -> Result<Experiment, FlagError> {
    let query = statement("SELECT * FROM experiments WHERE org_id = $1 AND id = $2")
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(id);
    let row: Option<Row> = query.get_result(conn).await.optional()?;
    row.ok_or(FlagError::Unknown("experiment"))?.try_into()
}

/// How many there are.
pub(super) async fn count(conn: &mut AsyncPgConnection, org: OrgId) -> Result<i64, FlagError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = statement("SELECT count(*) AS count FROM experiments WHERE org_id = $1");
    Ok(query.bind::<SqlUuid, _>(org).get_result::<Count>(conn).await?.count)
}

/// Plans an experiment.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    plan: &NewExperiment,
    now: Timestamp,
) -> Result<Experiment, FlagError> {
    let sql = "INSERT INTO experiments (org_id, id, flag, environment, state, plan, created_at)
               VALUES ($1, $2, $3, $4, 'draft', $5, $6) RETURNING *";
    let written = serde_json::to_value(plan).map_err(|_why| FlagError::Broken("a plan"))?;
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(ExperimentId::generate())
        .bind::<Text, _>(plan.flag.as_str())
        .bind::<Text, _>(plan.environment.as_str())
        .bind::<Jsonb, _>(written)
        .bind::<Timestamptz, _>(now);
    query.get_result::<Row>(conn).await?.try_into()
}

/// Starts a draft; `None` when it is none. Another one that runs there is a violation of
/// the index.
pub(super) async fn start(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: ExperimentId,
    now: Timestamp,
) -> Result<Option<Experiment>, FlagError> {
    let sql = "UPDATE experiments SET state = 'running', started_at = $3
               WHERE org_id = $1 AND id = $2 AND state = 'draft' RETURNING *";
    moved(conn, sql, org, id, now).await
}

/// Stops one that runs; `None` when it does not.
pub(super) async fn stop(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: ExperimentId,
    now: Timestamp,
) -> Result<Option<Experiment>, FlagError> {
    let sql = "UPDATE experiments SET state = 'stopped', stopped_at = $3
               WHERE org_id = $1 AND id = $2 AND state = 'running' RETURNING *";
    moved(conn, sql, org, id, now).await
}

async fn moved(
    conn: &mut AsyncPgConnection,
    sql: &'static str,
    org: OrgId,
    id: ExperimentId,
    now: Timestamp,
) -> Result<Option<Experiment>, FlagError> {
    use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id).bind::<Timestamptz, _>(now);
    match query.get_result::<Row>(conn).await.optional() {
        Err(DatabaseError(UniqueViolation, _)) => Err(FlagError::AlreadyRunning),
        row => row?.map(Experiment::try_from).transpose(),
    }
}

/// Notes that somebody did something, once more or for the first time.
pub(super) async fn convert(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: ExperimentId,
    conversion: &Conversion,
    subject: &[u8],
) -> db::Result<()> {
    let sql = "
        INSERT INTO conversions AS c (org_id, experiment_id, metric, subject, count, value)
        VALUES ($1, $2, $3, $4, 1, $5)
        ON CONFLICT (experiment_id, metric, subject) DO UPDATE
        SET count = c.count + 1, value = c.value + excluded.value";
    statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(conversion.metric.as_str())
        .bind::<Binary, _>(subject)
        .bind::<Double, _>(conversion.value.unwrap_or_default())
        .execute(conn)
        .await?;
    Ok(())
}

/// What was counted. Who did something without having seen a variant does not count.
pub(super) async fn counts(conn: &mut AsyncPgConnection, org: OrgId, id: ExperimentId) -> db::Result<Counts> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = Text)]
        variant: String,
        #[diesel(sql_type = Nullable<Text>)]
        metric: Option<String>,
        #[diesel(sql_type = BigInt)]
        count: i64,
        #[diesel(sql_type = Double)]
        value: f64,
    }
    let sql = "
        WITH seen AS (
            SELECT DISTINCT variant, subject FROM exposures WHERE org_id = $1 AND experiment_id = $2)
        SELECT variant, NULL AS metric, count(*) AS count, 0::float8 AS value FROM seen GROUP BY variant
        UNION ALL
        SELECT s.variant, c.metric, count(*), sum(c.value) FROM seen s
        JOIN conversions c ON c.experiment_id = $2 AND c.subject = s.subject
        GROUP BY s.variant, c.metric";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id);
    let mut counts = Counts::default();
    for Counted { variant, metric, count, value } in query.load(conn).await? {
        match metric {
            None => drop(counts.exposures.insert(variant, count)),
            Some(metric) => drop(counts.conversions.insert((variant, metric), (count, value))),
        }
    }
    Ok(counts)
}
