use std::sync::LazyLock;

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Binary, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{SessionId, Timestamp};
use serde_json::Value;
use service_kit::db::{self, statement};

use super::Owner;
use crate::{
    attempt::{self, Keys},
    rights::store::{STANDING, Standing},
    session::Device,
};

/// A session that begins.
pub(in crate::session) struct NewSession<'a> {
    pub(in crate::session) id: SessionId,
    pub(in crate::session) owner: Owner,
    pub(in crate::session) device: &'a Device,
    pub(in crate::session) now: Timestamp,
    /// Whether it begins only if the user has no second factor.
    pub(in crate::session) unless_guarded: bool,
    /// The entry of the audit log that tells it, if none else does.
    pub(in crate::session) entry: Option<Value>,
    /// Whether it begins only if that is all there is to do, outside a transaction.
    pub(in crate::session) at_once: Option<AtOnce<'a>>,
}

/// When a session may begin outside a transaction.
pub(in crate::session) struct AtOnce<'a> {
    /// If the user's row is still this version of it: whoever changes anything that matters
    /// to a login (the password, a ban, a second factor, rights) changes the row.
    pub(in crate::session) as_found: &'a str,
    /// Whether an address that was not verified will do.
    pub(in crate::session) unverified: bool,
    /// The attempt that succeeds by it.
    pub(in crate::session) attempt: Keys<'a>,
}

/// What became of a session that was to begin.
#[derive(QueryableByName)]
pub(in crate::session) struct Outcome {
    #[diesel(sql_type = Bool)]
    pub(in crate::session) opened: bool,
    /// The address of the user, if they have had sessions, but none on such a device in
    /// such a network.
    #[diesel(sql_type = Nullable<Text>)]
    pub(in crate::session) unseen_by: Option<String>,
    /// What the user's rights follow from, whom it holds from here on.
    #[diesel(embed)]
    pub(in crate::session) standing: Standing,
}

/// Opens it in one statement with all that a login asks and writes: a login costs little
/// beside the hash. Gives nothing where no such user is a member, or is as they were found;
/// at once, it opens nothing where there is somebody to tell of it. Whoever is locked is so in
/// this order: the user, the attempt's counters.
pub(in crate::session) async fn open(
    connection: &mut AsyncPgConnection,
    new: &NewSession<'_>,
) -> db::Result<Option<Outcome>> {
    static OPEN: LazyLock<String> = LazyLock::new(|| {
        let success = attempt::store::success("$17", "$18", "EXISTS (SELECT FROM opened)");
        format!(
            "WITH holder AS (
                 SELECT u.email AS address, {STANDING}
                 FROM users u JOIN memberships m ON m.user_id = u.id AND m.org_id = $3
                 WHERE u.id = $2 AND ($4::text IS NULL OR (
                     u.xmin::text = $4 AND u.banned_at IS NULL AND ($5 OR u.email_verified_at IS NOT NULL)))
                 FOR SHARE OF u
             ), before AS (
                 SELECT EXISTS (SELECT FROM sessions WHERE user_id = $2 AND impersonator_id IS NULL)
                        AND NOT EXISTS (SELECT FROM sessions
                                        WHERE user_id = $2 AND impersonator_id IS NULL
                                          AND coalesce(device, '') = coalesce($8, '')
                                          AND coalesce(network, '') = coalesce($9, '')) AS unseen
             ), opened AS (
                 INSERT INTO sessions (id, user_id, org_id, counter, rotated_at, created_at, user_agent, ip, device,
                                       network, cookie, authenticated_at, methods, expires_at)
                 SELECT $1, $2, $3, 0, $10, $10, $6, $7, $8, $9, $11, $12, $13, $14
                 FROM holder, before
                 WHERE NOT ($4 IS NOT NULL AND unseen)
                   AND NOT ($15 AND EXISTS (SELECT FROM totp_factors
                                            WHERE user_id = $2 AND confirmed_at IS NOT NULL))
                 RETURNING 1
             ), logged AS (
                 INSERT INTO audit_log SELECT entry.* FROM opened, jsonb_populate_record(NULL::audit_log, $16) AS entry
                 WHERE $16 IS NOT NULL
             ), {success}
             SELECT EXISTS (SELECT FROM opened) AS opened, CASE WHEN unseen THEN address END AS unseen_by, holder.*
             FROM holder, before"
        )
    });
    let NewSession { id, owner, device, now, unless_guarded, entry, at_once } = new;
    let opened = statement(OPEN.as_str())
        .bind::<Uuid, _>(id)
        .bind::<Uuid, _>(owner.user_id)
        .bind::<Uuid, _>(owner.org_id)
        .bind::<Nullable<Text>, _>(at_once.as_ref().map(|at_once| at_once.as_found))
        .bind::<Bool, _>(at_once.as_ref().is_none_or(|at_once| at_once.unverified))
        .bind::<Nullable<Text>, _>(device.user_agent.as_deref())
        .bind::<Nullable<Text>, _>(device.origin.ip.map(|ip| ip.to_string()))
        .bind::<Nullable<Text>, _>(device.name())
        .bind::<Nullable<Text>, _>(device.network())
        .bind::<Timestamptz, _>(now)
        .bind::<Bool, _>(owner.cookie)
        .bind::<Timestamptz, _>(owner.authenticated_at)
        .bind::<Array<Text>, _>(&owner.methods)
        .bind::<Timestamptz, _>(owner.expires_at)
        .bind::<Bool, _>(unless_guarded)
        .bind::<Nullable<Jsonb>, _>(entry)
        .bind::<Nullable<Binary>, _>(at_once.as_ref().and_then(|at_once| at_once.attempt.client))
        .bind::<Nullable<Binary>, _>(at_once.as_ref().map(|at_once| at_once.attempt.account));
    Ok(opened.get_result(connection).await.optional()?)
}
