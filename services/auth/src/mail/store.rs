//! The SQL of mails.

use std::time::Duration;

use contract_auth::MailKind;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, delete,
    insert_into,
    sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{MailId, OneTimeTokenId, OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::db::{self, statement};

use super::NewMail;
use crate::schema::mails;

pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    id: MailId,
    mail: &NewMail,
    token: Option<OneTimeTokenId>,
    now: Timestamp,
) -> db::Result<()> {
    insert_into(mails::table)
        .values((
            mails::id.eq(id),
            mails::kind.eq(mail.kind.name()),
            mails::recipient.eq(&mail.recipient),
            mails::user_id.eq(mail.user),
            mails::org_id.eq(mail.org),
            mails::token_id.eq(token),
            mails::variables.eq(Value::Object(mail.variables.clone())),
            mails::created_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// A mail with the token of its link, while that works.
#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = Text)]
    pub(super) kind: String,
    #[diesel(sql_type = Text)]
    pub(super) recipient: String,
    #[diesel(sql_type = Nullable<Uuid>)]
    pub(super) user_id: Option<UserId>,
    #[diesel(sql_type = Nullable<Uuid>)]
    pub(super) org_id: Option<OrgId>,
    #[diesel(sql_type = Jsonb)]
    pub(super) variables: Value,
    #[diesel(sql_type = Timestamptz)]
    pub(super) created_at: Timestamp,
    #[diesel(sql_type = Nullable<Uuid>)]
    pub(super) token_id: Option<OneTimeTokenId>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) purpose: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) expires_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) locale: Option<String>,
}

/// The mail, whoever it goes to: the mail service asks.
pub(super) async fn find(
    connection: &mut AsyncPgConnection,
    id: MailId,
    now: Timestamp,
) -> db::Result<Option<Row>> {
    let mail = statement(
        "SELECT m.kind, m.recipient, m.user_id, m.org_id, m.variables, m.created_at,
                t.id AS token_id, t.purpose, t.expires_at, u.name, u.locale
         FROM mails m
         LEFT JOIN one_time_tokens t ON t.id = m.token_id AND t.expires_at > $2
         LEFT JOIN users u ON u.id = m.user_id
         WHERE m.id = $1",
    );
    let mail = mail.bind::<Uuid, _>(id).bind::<Timestamptz, _>(now);
    Ok(mail.get_result(connection).await.optional()?)
}

/// When the `n`th mail of this kind to the user, counted from the latest (1), was asked for;
/// `None`: there were fewer.
pub(crate) async fn nth_latest(
    connection: &mut AsyncPgConnection,
    user: UserId,
    kind: MailKind,
    n: u16,
) -> db::Result<Option<Timestamp>> {
    let nth = mails::table
        .filter(mails::user_id.eq(user).and(mails::kind.eq(kind.name())))
        .order(mails::created_at.desc())
        .offset(i64::from(n) - 1)
        .select(mails::created_at);
    Ok(nth.first(connection).await.optional()?)
}

/// When the `n`th invitation of the organisation to this address, counted from the latest (1),
/// was asked for; `None`: there were fewer.
pub(crate) async fn nth_latest_to(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    recipient: &str,
    n: u16,
) -> db::Result<Option<Timestamp>> {
    let nth = mails::table
        .filter(mails::org_id.eq(org).and(mails::kind.eq(MailKind::Invitation.name())))
        .filter(mails::recipient.eq(recipient))
        .order(mails::created_at.desc())
        .offset(i64::from(n) - 1)
        .select(mails::created_at);
    Ok(nth.first(connection).await.optional()?)
}

/// How long mails are kept: a mail service that was away for that long sends them no more.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Deletes those that were to be sent long ago; gives how many.
pub(crate) async fn prune(connection: &mut AsyncPgConnection, now: Timestamp) -> db::Result<usize> {
    Ok(delete(mails::table.filter(mails::created_at.lt(now - KEPT))).execute(connection).await?)
}
