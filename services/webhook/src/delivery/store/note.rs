//! What came of attempts, and what deliveries and endpoints are after them.

use std::time::Duration;

use contract_webhook::{AttemptId, EndpointId, MessageId};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use service_kit::db::statement;

use super::{super::noted::Noted, Way};
use crate::message::MessageError;

/// How long an endpoint may fail, days, before it is put off.
const PATIENCE: i32 = 5;

/// What a delivery is after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::delivery) enum After {
    /// It ended in this state.
    Ended(&'static str),
    /// It is sent again, after that.
    Again(Duration),
    /// As it was: what was sent by hand and failed changes nothing.
    Unchanged,
}

impl After {
    const fn state(self) -> Option<&'static str> {
        match self {
            Self::Ended(state) => Some(state),
            Self::Again(_) => Some("pending"),
            Self::Unchanged => None,
        }
    }

    fn wait(self) -> Option<f64> {
        match self {
            Self::Again(wait) => Some(wait.as_secs_f64()),
            _ => None,
        }
    }
}

/// An endpoint that is put off.
#[derive(Debug, QueryableByName)]
pub(in crate::delivery) struct PutOff {
    #[diesel(sql_type = SqlUuid)]
    pub(in crate::delivery) org_id: OrgId,
    #[diesel(sql_type = SqlUuid)]
    pub(in crate::delivery) endpoint_id: EndpointId,
    /// How many events there are of it.
    #[diesel(sql_type = BigInt)]
    pub(in crate::delivery) events: i64,
}

/// Notes attempts, no two of them at one delivery, and what the deliveries are after them; one that is there
/// stays so. Puts those endpoints off to which nothing was delivered for too long.
pub(in crate::delivery) async fn note(
    conn: &mut AsyncPgConnection,
    all: &[&Noted],
    now: Timestamp,
) -> Result<Vec<PutOff>, MessageError> {
    let sql = "
        WITH given AS MATERIALIZED (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS g (
                org_id, message_id, endpoint_id, id, status, error, response, duration_ms, at,
                state, wait, delivered)
        ), attempt AS (
            INSERT INTO attempts
                (org_id, message_id, endpoint_id, id, status, error, response, duration_ms, created_at)
            SELECT org_id, message_id, endpoint_id, id, status, error, response, duration_ms, at FROM given
        ), delivery AS (
            UPDATE deliveries d
            SET attempts = attempts + 1,
                state = CASE WHEN g.delivered OR d.state = 'pending' THEN g.state ELSE d.state END,
                next_attempt_at = CASE WHEN d.state = 'pending' THEN now() + make_interval(secs => g.wait) END
            FROM given g
            WHERE d.message_id = ANY ($2) AND d.org_id = g.org_id AND d.message_id = g.message_id
                AND d.endpoint_id = g.endpoint_id AND g.state IS NOT NULL
        ), health AS MATERIALIZED (
            SELECT org_id, endpoint_id, bool_or(delivered) AS good FROM given GROUP BY org_id, endpoint_id
        ), changed AS (
            UPDATE endpoints e SET failing_since = CASE WHEN h.good THEN NULL ELSE now() END
            FROM health h
            WHERE e.id = ANY ($3) AND e.org_id = h.org_id AND e.id = h.endpoint_id
                AND (e.failing_since IS NOT NULL) = h.good
        ), put_off AS (
            UPDATE endpoints e
            SET enabled = false, disabled_reason = 'failing', events = events + 1, updated_at = $13
            FROM health h
            WHERE e.id = ANY ($3) AND e.org_id = h.org_id AND e.id = h.endpoint_id AND e.enabled AND NOT h.good
                AND e.failing_since < now() - make_interval(days => $14)
            RETURNING e.org_id, e.id AS endpoint_id, e.events
        )
        SELECT org_id, endpoint_id, events FROM put_off";
    let query = statement(sql)
        .bind::<Array<SqlUuid>, _>(all.iter().map(|one| one.way.org).collect::<Vec<OrgId>>())
        .bind::<Array<SqlUuid>, _>(all.iter().map(|one| one.way.message).collect::<Vec<MessageId>>())
        .bind::<Array<SqlUuid>, _>(all.iter().map(|one| one.way.endpoint).collect::<Vec<EndpointId>>())
        .bind::<Array<SqlUuid>, _>(all.iter().map(|one| one.id).collect::<Vec<AttemptId>>())
        .bind::<Array<Nullable<Integer>>, _>(all.iter().map(|one| one.outcome.status).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(all.iter().map(|one| one.outcome.error).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(all.iter().map(|one| &*one.outcome.response).collect::<Vec<&str>>())
        .bind::<Array<BigInt>, _>(all.iter().map(|one| one.outcome.duration_ms).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(all.iter().map(|one| one.at).collect::<Vec<Timestamp>>())
        .bind::<Array<Nullable<Text>>, _>(all.iter().map(|one| one.after.state()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Double>>, _>(all.iter().map(|one| one.after.wait()).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(all.iter().map(|one| one.outcome.is_delivered()).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .bind::<Integer, _>(PATIENCE);
    Ok(query.load(conn).await?)
}

/// Puts an endpoint off that says itself that it is gone; none, if it was off.
pub(in crate::delivery) async fn put_off(
    conn: &mut AsyncPgConnection,
    way: Way,
    now: Timestamp,
) -> Result<Option<PutOff>, MessageError> {
    let sql = "UPDATE endpoints
               SET enabled = false, disabled_reason = 'gone', events = events + 1, updated_at = $3
               WHERE org_id = $1 AND id = $2 AND enabled
               RETURNING org_id, id AS endpoint_id, events";
    let query = statement(sql)
        .bind::<SqlUuid, _>(way.org)
        .bind::<SqlUuid, _>(way.endpoint)
        .bind::<Timestamptz, _>(now);
    Ok(query.get_result(conn).await.optional()?)
}
