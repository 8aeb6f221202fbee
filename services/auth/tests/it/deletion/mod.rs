//! Accounts that go by their users' own wish: the time of grace, and what comes at its end.

mod dead;
mod due;
mod restore;
mod schedule;
mod waiting;

use std::time::Duration;

use contract_auth::{ScheduledDeletion, Secret};
use ids::UserId;

use crate::spawn::{Auth, Somebody};

/// As if so many days went by for whatever waits to be deleted.
const DAYS_PASS: &str = "
    WITH accounts AS (
        UPDATE users SET delete_at = delete_at - interval '15 days' WHERE delete_at IS NOT NULL)
    UPDATE jobs SET run_at = run_at - interval '15 days', payload = jsonb_set(payload, '{at}', to_jsonb(to_char(
        ((payload->>'at')::timestamptz - interval '15 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')))
    WHERE kind = 'auth.delete_account'";

/// Jobs that wait for the end of a time of grace, or are at it.
const JOBS: &str = "SELECT count(*) FROM jobs WHERE kind = 'auth.delete_account'";
/// Jobs that have ended as they should.
const DONE: &str =
    "SELECT count(*) FROM jobs_history WHERE kind = 'auth.delete_account' AND outcome = 'succeeded'";
const GONE: &str = "SELECT count(*) FROM events WHERE type = 'user.deleted'";
const AUDITED: &str = "SELECT count(*) FROM audit_log WHERE action = 'account.deleted'";

/// Statements that wait for somebody else.
pub(crate) const BLOCKED: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

impl Auth {
    /// Has the account deleted, when its time of grace is over.
    async fn leave(&self, token: &Secret) -> ScheduledDeletion {
        self.client.delete_me(token).await.unwrap().unwrap()
    }

    /// Somebody whose deletion waits, logged in anew.
    async fn leaving(&self, email: &str) -> Somebody {
        let before = self.somebody(email).await;
        self.leave(&before.inward).await;
        self.back(email).await
    }

    /// As if the time of grace of all who leave were over.
    async fn days_pass(&self) {
        self.sql(DAYS_PASS).await;
    }

    /// Waits until `sql` gives this number.
    pub(crate) async fn until(&self, sql: &str, wanted: i64) {
        for _ in 0..600 {
            if self.count(sql).await == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{wanted} never came, but {}: {sql}", self.count(sql).await);
    }

    /// How many entries of the audit log and events there are.
    async fn traces(&self) -> i64 {
        self.count("SELECT (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM events)").await
    }

    /// The number of rows of this table that are the user's.
    async fn left(&self, table: &str, user: UserId) -> i64 {
        let column = if table == "users" { "id" } else { "user_id" };
        self.count(&format!("SELECT count(*) FROM {table} WHERE {column} = '{}'", user.uuid())).await
    }
}

/// Everything about it that is audited and told; it takes a worker.
pub(crate) async fn live(auth: &Auth) {
    let leaving = auth.leaving("olga@example.com").await;
    auth.client.restore_me(&leaving.inward).await.unwrap();
    auth.leave(&auth.back(&leaving.email).await.inward).await;
    let gone = auth.count(GONE).await + 1;
    auth.days_pass().await;
    auth.until(GONE, gone).await;
}
