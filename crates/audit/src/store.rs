//! The SQL of the log.

use contract_audit::AuditEntry;
use diesel::{
    ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper, TextExpressionMethods,
    sql_types::Jsonb,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{AuditEntryId, OrgId, Timestamp, UserId};
use serde_json::{Value, json};
use service_discovery::Service;
use service_kit::db::{self, statement};
use uuid::Uuid;

use crate::{By, Entry, Question, question::instant};

diesel::table! {
    audit_log (id) {
        id -> Uuid,
        org_id -> Nullable<Uuid>,
        actor -> Text,
        through -> Nullable<Text>,
        credential -> Nullable<Text>,
        action -> Text,
        target -> Nullable<Text>,
        details -> Jsonb,
        request_id -> Nullable<Text>,
        ip -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

/// Writes an entry in the transaction of what it tells: both happen, or neither.
///
/// # Errors
/// When the database is away.
pub async fn record(connection: &mut AsyncPgConnection, by: &By, entry: Entry) -> db::Result<()> {
    let written = statement("INSERT INTO audit_log SELECT * FROM jsonb_populate_record(NULL::audit_log, $1)");
    written.bind::<Jsonb, _>(row(by, entry)).execute(connection).await?;
    Ok(())
}

/// An entry as a row of `audit_log`, for a statement that writes it together with what it
/// tells: `INSERT INTO audit_log SELECT * FROM jsonb_populate_record(NULL::audit_log, $1)`.
#[must_use]
pub fn row(by: &By, entry: Entry) -> Value {
    let id = AuditEntryId::generate();
    json!({
        "id": id.uuid(),
        "org_id": entry.org.or(by.org).map(OrgId::uuid),
        "actor": by.actor,
        "through": by.through,
        "credential": by.credential,
        "action": entry.action.name,
        "target": entry.target,
        "details": entry.details,
        "request_id": by.request_id,
        "ip": by.ip,
        "created_at": instant(id),
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_log, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: AuditEntryId,
    org_id: Option<OrgId>,
    actor: String,
    through: Option<String>,
    credential: Option<String>,
    action: String,
    target: Option<String>,
    details: Value,
    request_id: Option<String>,
    ip: Option<String>,
    created_at: Timestamp,
}

/// What a service's own log answers, newest first.
pub(crate) async fn read(
    connection: &mut AsyncPgConnection,
    service: Service,
    question: &Question,
) -> db::Result<Vec<AuditEntry>> {
    use audit_log as a;
    let mut query =
        a::table.select(Row::as_select()).order(a::id.desc()).limit(question.limit()).into_boxed();
    if let Some(actor) = &question.actor {
        query = query.filter(a::actor.eq(actor));
    }
    if let Some(org) = question.org {
        query = query.filter(a::org_id.eq(org));
    }
    if let Some(target) = &question.target {
        query = query.filter(a::target.eq(target));
    }
    if let Some(beginning) = &question.action {
        query = query.filter(a::action.like(format!("{}%", escaped(beginning))));
    }
    if let Some(first) = question.first() {
        query = query.filter(a::id.ge(first));
    }
    if let Some(end) = question.end() {
        query = query.filter(a::id.lt(end));
    }
    let rows: Vec<Row> = query.load(connection).await?;
    Ok(rows.into_iter().map(|row| row.shown(service)).collect())
}

/// How many entries [`by_person`] reads at a time.
const STEP: i64 = 1000;

/// All entries of this service's own log about what `user` did, the oldest first: a part
/// of what is held about them. Of what somebody else did in their name it says so, but not
/// from where: that is the other's.
///
/// # Errors
/// When the database is away.
pub async fn by_person(
    connection: &mut AsyncPgConnection,
    service: Service,
    user: UserId,
) -> db::Result<Vec<AuditEntry>> {
    use audit_log as a;
    let (actor, mut last) = (user.to_string(), AuditEntryId::from_uuid(Uuid::nil()));
    let mut entries = Vec::new();
    loop {
        let step = a::table.filter(a::actor.eq(&actor)).filter(a::id.gt(last)).order(a::id).limit(STEP);
        let rows: Vec<Row> = step.select(Row::as_select()).load(connection).await?;
        let Some(newest) = rows.last() else { return Ok(entries) };
        last = newest.id;
        entries.extend(rows.into_iter().map(|row| row.shown(service)).map(without_anothers_address));
    }
}

fn without_anothers_address(entry: AuditEntry) -> AuditEntry {
    if entry.through.is_some() { AuditEntry { ip: None, ..entry } } else { entry }
}

/// A text that LIKE takes as it stands.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

impl Row {
    fn shown(self, service: Service) -> AuditEntry {
        let Self {
            id,
            org_id,
            actor,
            through,
            credential,
            action,
            target,
            details,
            request_id,
            ip,
            created_at,
        } = self;
        let service = service.to_string();
        AuditEntry {
            id,
            service,
            action,
            actor,
            through,
            credential,
            org_id,
            target,
            details,
            request_id,
            ip,
            created_at,
        }
    }
}
