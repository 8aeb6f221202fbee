//! What is due, and when it is its turn: many deliveries by one statement.

use contract_webhook::{EndpointId, MessageId};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::OrgId;
use serde_json::Value;
use service_kit::db::statement;

use super::Way;
use crate::{message::MessageError, secret::SecretId};

/// A delivery that is to be tried.
#[derive(Clone, Copy, Debug)]
pub(in crate::delivery) struct Asked {
    pub(in crate::delivery) way: Way,
    /// Because somebody wants it, whatever became of it.
    pub(in crate::delivery) by_hand: bool,
}

/// What is to be sent where.
#[derive(QueryableByName)]
pub(in crate::delivery) struct Due {
    /// Which of those that were asked about it is, from 1.
    #[diesel(sql_type = BigInt)]
    pub(in crate::delivery) place: i64,
    #[diesel(sql_type = Text)]
    pub(in crate::delivery) body: String,
    #[diesel(sql_type = Integer)]
    pub(in crate::delivery) attempts: i32,
    /// When it is its turn, seconds from now: the endpoint's rate says so.
    #[diesel(sql_type = Double)]
    pub(in crate::delivery) turn: f64,
    #[diesel(sql_type = SqlUuid)]
    pub(in crate::delivery) endpoint_id: EndpointId,
    #[diesel(sql_type = Bool)]
    pub(in crate::delivery) enabled: bool,
    #[diesel(sql_type = Text)]
    pub(in crate::delivery) url: String,
    /// The endpoint's own, sealed.
    #[diesel(sql_type = Nullable<Binary>)]
    pub(in crate::delivery) headers: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    pub(in crate::delivery) kind: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(in crate::delivery) posthog: Option<Value>,
    /// What signs at the moment, sealed; the newest first.
    #[diesel(sql_type = Array<SqlUuid>)]
    pub(in crate::delivery) secret_ids: Vec<SecretId>,
    #[diesel(sql_type = Array<Binary>)]
    pub(in crate::delivery) secrets: Vec<Vec<u8>>,
}

/// What of these is to be sent: what is under way, and what is wanted by hand if it is there. Takes the endpoints' next turns,
/// which are as far apart as their rates say, over all processes.
///
/// The messages are named a second time, so that PostgreSQL leaves out the partitions of other days. A
/// turn that is forgotten in a crash of the server harms nobody: its commit does not wait for the disk.
pub(in crate::delivery) async fn take_turns(
    conn: &mut AsyncPgConnection,
    asked: &[Asked],
) -> Result<Vec<Due>, MessageError> {
    let sql = "
        WITH asked AS MATERIALIZED (
            SELECT * FROM unnest($1, $2, $3, $4) WITH ORDINALITY
                AS a (org_id, message_id, endpoint_id, by_hand, place)
        ), due AS MATERIALIZED (
            SELECT a.place, a.endpoint_id, m.body, d.attempts, e.enabled, e.rate_limit,
                   row_number() OVER (PARTITION BY a.endpoint_id ORDER BY a.place) - 1 AS before
            FROM asked a
            JOIN deliveries d ON d.org_id = a.org_id AND d.message_id = a.message_id
                AND d.endpoint_id = a.endpoint_id AND (a.by_hand OR d.state = 'pending')
            JOIN messages m ON m.org_id = a.org_id AND m.id = a.message_id
            JOIN endpoints e ON e.org_id = a.org_id AND e.id = a.endpoint_id
            WHERE d.message_id = ANY ($2) AND m.id = ANY ($2) AND e.id = ANY ($3)
        ), wanted AS MATERIALIZED (
            SELECT endpoint_id, count(*)::double precision / rate_limit AS seconds
            FROM due WHERE enabled GROUP BY endpoint_id, rate_limit
        ), held AS MATERIALIZED (
            SELECT endpoint_id FROM endpoint_turns
            WHERE endpoint_id IN (SELECT endpoint_id FROM wanted) ORDER BY endpoint_id FOR UPDATE
        ), unsynced AS MATERIALIZED (
            SELECT set_config('synchronous_commit', 'off', true) AS value
        ), turns AS (
            UPDATE endpoint_turns t
            SET next_at = greatest(t.next_at, clock_timestamp()) + make_interval(secs => w.seconds)
            FROM wanted w JOIN held USING (endpoint_id), unsynced
            WHERE t.endpoint_id = w.endpoint_id AND unsynced.value = 'off'
            RETURNING t.endpoint_id,
                extract(epoch FROM t.next_at - clock_timestamp())::double precision - w.seconds AS first
        )
        SELECT due.place, due.body, due.attempts, due.endpoint_id, due.enabled, coalesce(e.url, '') AS url,
               e.headers, e.kind, e.posthog,
               coalesce(turns.first, 0) + due.before::double precision / due.rate_limit AS turn,
               s.secret_ids, s.secrets
        FROM due
        JOIN endpoints e ON e.id = due.endpoint_id
        LEFT JOIN turns ON turns.endpoint_id = due.endpoint_id
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(id ORDER BY id DESC), '{}') AS secret_ids,
                   coalesce(array_agg(sealed ORDER BY id DESC), '{}') AS secrets
            FROM endpoint_secrets
            WHERE endpoint_id = due.endpoint_id AND (expires_at IS NULL OR expires_at > now())
        ) s
        WHERE e.id = ANY ($3)";
    let column = |of: fn(&Way) -> EndpointId| asked.iter().map(|one| of(&one.way)).collect::<Vec<_>>();
    let orgs: Vec<OrgId> = asked.iter().map(|one| one.way.org).collect();
    let messages: Vec<MessageId> = asked.iter().map(|one| one.way.message).collect();
    let query = statement(sql)
        .bind::<Array<SqlUuid>, _>(orgs)
        .bind::<Array<SqlUuid>, _>(messages)
        .bind::<Array<SqlUuid>, _>(column(|way| way.endpoint))
        .bind::<Array<Bool>, _>(asked.iter().map(|one| one.by_hand).collect::<Vec<_>>());
    Ok(query.load(conn).await?)
}
