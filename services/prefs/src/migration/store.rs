//! All SQL of migrations.

use contract_prefs::NamespaceName;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, UserId};
use serde::{Deserialize, Serialize};
use service_kit::db::{self, statement};
use uuid::Uuid;

use crate::document::{Held, Whose};

/// How far a migration has come: organisations' layers first, as their members' lie over them.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) members: bool,
    org: Uuid,
    owner: Uuid,
}

impl Place {
    pub(super) fn of_members() -> Self {
        Self { members: true, ..Self::default() }
    }

    pub(super) fn at(self, last: Behind) -> Self {
        Self { org: last.org_id.uuid(), owner: last.owner_id.uuid(), ..self }
    }
}

/// A layer that was written for an earlier version of its namespace.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(super) struct Behind {
    #[diesel(sql_type = SqlUuid)]
    pub(super) org_id: OrgId,
    /// A user's, or the organisation's.
    #[diesel(sql_type = SqlUuid)]
    pub(super) owner_id: UserId,
}

impl Behind {
    pub(super) fn whose(self) -> Whose {
        if self.org_id.uuid() == self.owner_id.uuid() { Whose::Organization } else { Whose::User }
    }
}

/// The next layers of the namespace that are behind.
pub(super) async fn behind(
    conn: &mut AsyncPgConnection,
    namespace: &NamespaceName,
    place: Place,
    most: i64,
) -> db::Result<Vec<Behind>> {
    let sql = "
        SELECT org_id, owner_id FROM documents
        WHERE namespace = $1 AND (org_id, owner_id) > ($2, $3) AND (owner_id <> org_id) = $4
          AND fits < (SELECT version FROM namespaces WHERE name = $1)
        ORDER BY org_id, owner_id LIMIT $5";
    let query = statement(sql)
        .bind::<Text, _>(namespace.as_str())
        .bind::<SqlUuid, _>(place.org)
        .bind::<SqlUuid, _>(place.owner)
        .bind::<Bool, _>(place.members)
        .bind::<BigInt, _>(most);
    Ok(query.load(conn).await?)
}

/// Notes that the layer fits as it is, unless something has changed since it was read.
pub(super) async fn keep(conn: &mut AsyncPgConnection, place: Behind, held: &Held) -> db::Result<()> {
    let sql = "
        UPDATE documents d SET fits = n.version, fits_organization = $5
        FROM namespaces n
        WHERE n.name = d.namespace AND n.version = $4
          AND d.org_id = $1 AND d.owner_id = $2 AND d.namespace = $3 AND d.version = $6";
    let below = match place.whose() {
        Whose::User => held.organization.version,
        Whose::Organization => 0,
    };
    let query = statement(sql)
        .bind::<SqlUuid, _>(place.org_id)
        .bind::<SqlUuid, _>(place.owner_id)
        .bind::<Text, _>(held.namespace.as_str())
        .bind::<BigInt, _>(held.namespace_version)
        .bind::<BigInt, _>(below)
        .bind::<BigInt, _>(held.stored(place.whose()).version);
    query.execute(conn).await?;
    Ok(())
}
