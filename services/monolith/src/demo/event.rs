//! The way of an event: from the transaction that made it true, through the relay and the
//! inbox, to the effects of its handler. Read where it is kept, in the services' databases.

use std::time::Duration;

use anyhow::Context;
use diesel::{
    OptionalExtension, QueryableByName, sql_query,
    sql_types::{BigInt, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{EventId, Timestamp, UserId};
use service_kit::db::Connector;

/// How long an event may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(15);

/// An instant and what happened then.
#[derive(QueryableByName)]
struct Happened {
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
}

/// The event that a publisher wrote.
#[derive(QueryableByName)]
pub(super) struct Written {
    #[diesel(sql_type = Uuid)]
    pub(super) id: EventId,
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
}

/// Where an event came, and how long after it was written.
pub(super) struct Way {
    pub(super) written: Written,
    pub(super) received: Duration,
    pub(super) handled: Duration,
    /// What is left of the user's preferences.
    pub(super) documents: i64,
}

/// As if 90 days, the longest time of grace, were over for `user`, in the only statement of
/// this command that writes: a demo cannot wait.
pub(super) async fn let_the_time_pass(auth: &str, user: UserId) -> anyhow::Result<()> {
    let pass = sql_query(
        "WITH account AS (
             UPDATE users SET delete_at = delete_at - interval '90 days' WHERE id = $1)
         UPDATE jobs SET run_at = run_at - interval '90 days', payload = jsonb_set(payload, '{at}', to_jsonb(to_char(
             ((payload->>'at')::timestamptz - interval '90 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')))
         WHERE kind = 'auth.delete_account' AND payload->>'user' = $2",
    );
    let pass = pass.bind::<Uuid, _>(user).bind::<Text, _>(user.to_string());
    pass.execute(&mut Connector::new(auth, None)?.connect().await?).await?;
    Ok(())
}

/// Follows `user.deleted` of `user` from auth to prefs.
pub(super) async fn follow(auth: &str, prefs: &str, user: UserId) -> anyhow::Result<Way> {
    let mut auth = Connector::new(auth, None)?.connect().await?;
    let mut prefs = Connector::new(prefs, None)?.connect().await?;
    let written = written(&mut auth, user).await.context("auth wrote no event")?;
    let received = until(
        &mut prefs,
        "SELECT received_at AS at FROM event_inbox WHERE id = $1 AND $2 IS NOT NULL",
        written.id,
    );
    let received = received.await.context("the event did not arrive")?;
    let handled = "SELECT finished_at AS at FROM jobs_history
                   WHERE outcome = 'succeeded' AND payload->'event'->>'id' = $2 AND $1 IS NOT NULL";
    let handled = until(&mut prefs, handled, written.id).await.context("the event was not handled")?;
    let documents = documents(&mut prefs, user).await?;
    let (received, handled) = (received.since(written.at), handled.since(written.at));
    Ok(Way { written, received, handled, documents })
}

/// Waits for the event: a job of auth writes it.
async fn written(auth: &mut AsyncPgConnection, user: UserId) -> anyhow::Result<Written> {
    let sql = "SELECT id, occurred_at AS at FROM events WHERE type = 'user.deleted' AND aggregate = $1";
    let look = async {
        loop {
            let event = sql_query(sql).bind::<Text, _>(user.to_string());
            if let Some(written) = event.get_result(auth).await.optional()? {
                return anyhow::Ok(written);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.context("not within 15 s")?
}

async fn until(prefs: &mut AsyncPgConnection, sql: &str, id: EventId) -> anyhow::Result<Timestamp> {
    let look = async {
        loop {
            let query = sql_query(sql).bind::<Uuid, _>(id).bind::<Text, _>(id.to_string());
            if let Some(Happened { at }) = query.get_result(prefs).await.optional()? {
                return anyhow::Ok(at);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.context("not within 15 s")?
}

async fn documents(prefs: &mut AsyncPgConnection, user: UserId) -> anyhow::Result<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let count = sql_query("SELECT count(*) AS count FROM documents WHERE owner_id = $1");
    Ok(count.bind::<Uuid, _>(user).get_result::<Row>(prefs).await?.count)
}
