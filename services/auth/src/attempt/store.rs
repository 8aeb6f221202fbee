//! The SQL of attempts.

use std::{sync::LazyLock, time::Duration};

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, delete,
    sql_types::{Array, Binary, Bool, Integer, Nullable, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{Timestamp, UserId};
use service_kit::db::{self, statement};

use super::rules::{DELAYS, KEPT, LONGEST, MOST, WINDOW};
use crate::schema::{attempts, users};

/// A condition that is true, and has the commit not wait for the disk: a server that crashes
/// forgets the counts of its last second, which nobody can bring about who guesses, and a
/// login waits for one write instead of three.
const NOT_AWAITED: &str = "set_config('synchronous_commit', 'off', true) = 'off'";

/// What became of the wish to try.
pub(super) enum Counted {
    /// It counts as this failure in a row, until it succeeds.
    Admitted(i32),
    /// The account is locked.
    AccountLocked,
    /// There were too many failures from the client's address.
    ClientLocked,
}

/// Counts an attempt at an account and from a client, before it is made, in one statement:
/// of many at once, no more are admitted than are free. The client's row is locked first,
/// here and in [`success`], so that no two wait for each other. What is not locked is so
/// since 1970: `now` is a moment ago for who has waited.
pub(super) async fn count(
    mut connection: &AsyncPgConnection,
    account: &[u8],
    client: Option<&[u8]>,
    limit: i32,
    now: Timestamp,
) -> db::Result<Counted> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        client_admitted: bool,
        #[diesel(sql_type = Nullable<Integer>)]
        failures: Option<i32>,
    }
    static COUNT: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH client AS (
                 INSERT INTO attempts AS a (key, failures, since, locked_until)
                 SELECT $1, 1, $3, 'epoch' WHERE $1 IS NOT NULL
                 ON CONFLICT (key) DO UPDATE SET
                     failures = CASE WHEN a.since > $4 THEN a.failures ELSE 0 END + 1,
                     since = CASE WHEN a.since > $4 THEN a.since ELSE $3 END
                 WHERE a.since <= $4 OR a.failures < $5
                 RETURNING 1
             ), account AS (
                 INSERT INTO attempts AS a (key, failures, since, locked_until)
                 SELECT $2, 1, $3, 'epoch' WHERE $1 IS NULL OR EXISTS (SELECT FROM client)
                 ON CONFLICT (key) DO UPDATE SET
                     failures = a.failures + 1,
                     since = $3,
                     locked_until = coalesce($3 + make_interval(secs => nullif(($6)[least(a.failures + 1, cardinality($6))], 0)),
                                             'epoch')
                 WHERE a.locked_until <= $3 AND a.failures < $7
                 RETURNING failures
             )
             SELECT $1 IS NULL OR EXISTS (SELECT FROM client) AS client_admitted,
                    (SELECT failures FROM account) AS failures
             WHERE {NOT_AWAITED}"
        )
    });
    let row: Row = statement(COUNT.as_str())
        .bind::<Nullable<Binary>, _>(client)
        .bind::<Binary, _>(account)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now - WINDOW)
        .bind::<Integer, _>(limit)
        .bind::<Array<Integer>, _>(&DELAYS[..])
        .bind::<Integer, _>(MOST)
        .get_result(&mut connection)
        .await?;
    Ok(match row {
        Row { client_admitted: false, .. } => Counted::ClientLocked,
        Row { failures: Some(failures), .. } => Counted::Admitted(failures),
        Row { failures: None, .. } => Counted::AccountLocked,
    })
}

/// Forgets the account's failures, and one of the client's.
pub(super) async fn succeed(connection: &mut AsyncPgConnection, keys: Keys<'_>) -> db::Result<()> {
    static SUCCEED: LazyLock<String> = LazyLock::new(|| {
        let success = success("$1", "$2", NOT_AWAITED);
        format!("WITH {success} SELECT")
    });
    let succeed = statement(SUCCEED.as_str());
    let succeed = succeed.bind::<Nullable<Binary>, _>(keys.client).bind::<Binary, _>(keys.account);
    succeed.execute(connection).await?;
    Ok(())
}

/// Which counters an attempt has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys<'a> {
    pub(crate) client: Option<&'a [u8]>,
    pub(crate) account: &'a [u8],
}

/// [`succeed`] as parts of a WITH clause, for a statement of which it is a part; `client` and
/// `account` stand for [`Keys`]. The account's row stays: a statement that waited for the
/// client's would not see one that was inserted meanwhile.
pub(crate) fn success(client: &str, account: &str, when: &str) -> String {
    format!(
        "settled_client AS (
             UPDATE attempts SET failures = greatest(failures - 1, 0) WHERE key = {client} AND {when} RETURNING 1
         ), settled_account AS (
             UPDATE attempts SET failures = 0, locked_until = 'epoch'
             WHERE key = {account} AND {when} AND (SELECT count(*) FROM settled_client) >= 0
         )"
    )
}

/// Takes one failure back from each, and the lock that it set.
pub(super) async fn withdraw(connection: &mut AsyncPgConnection, keys: Vec<Vec<u8>>) -> db::Result<()> {
    for key in keys {
        statement(
            "UPDATE attempts SET failures = greatest(failures - 1, 0), locked_until = 'epoch' WHERE key = $1",
        )
        .bind::<Binary, _>(key)
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Forgets the account's failures.
pub(super) async fn forget(connection: &mut AsyncPgConnection, account: &[u8]) -> db::Result<()> {
    delete(attempts::table.find(account)).execute(connection).await?;
    Ok(())
}

/// How long the account stays locked.
pub(super) async fn account_wait(
    connection: &mut AsyncPgConnection,
    account: &[u8],
    now: Timestamp,
) -> db::Result<Duration> {
    let row: Option<(i32, Timestamp)> = attempts::table
        .find(account)
        .select((attempts::failures, attempts::locked_until))
        .first(connection)
        .await
        .optional()?;
    Ok(row.map_or(
        Duration::ZERO,
        |(failures, until)| {
            if failures < MOST { until.since(now) } else { LONGEST }
        },
    ))
}

/// How long until the client's window ends.
pub(super) async fn client_wait(
    connection: &mut AsyncPgConnection,
    client: &[u8],
    now: Timestamp,
) -> db::Result<Duration> {
    let since: Option<Timestamp> =
        attempts::table.find(client).select(attempts::since).first(connection).await.optional()?;
    Ok(since.map_or(Duration::ZERO, |since| (since + WINDOW).since(now)))
}

/// The address whose password counter is this user's.
pub(super) async fn address_of(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Option<String>> {
    Ok(users::table.find(user).select(users::email).first(connection).await.optional()?)
}

/// Deletes counters that were not touched for long; those of accounts that only a reset
/// opens stay. Gives how many.
pub(crate) async fn prune(connection: &mut AsyncPgConnection, now: Timestamp) -> db::Result<usize> {
    let old = attempts::table.filter(attempts::since.lt(now - KEPT)).filter(attempts::failures.lt(MOST));
    Ok(delete(old).execute(connection).await?)
}
