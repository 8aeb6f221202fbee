//! All SQL of erasures.

use diesel::{ExpressionMethods, QueryDsl, delete, dsl::exists, insert_into, select};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, UserId};
use service_kit::db;
use uuid::Uuid;

use super::Owner;

diesel::table! {
    erasures (id) {
        id -> Uuid,
    }
}

diesel::table! {
    document_versions (org_id, owner_id, namespace, version) {
        org_id -> Uuid,
        owner_id -> Uuid,
        namespace -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    documents (org_id, owner_id, namespace) {
        org_id -> Uuid,
        owner_id -> Uuid,
        namespace -> Text,
    }
}

/// Notes that the owner is gone: their writes are refused from the commit on.
pub(super) async fn note(conn: &mut AsyncPgConnection, owner: Owner) -> db::Result<()> {
    let row = erasures::id.eq(owner.uuid());
    insert_into(erasures::table).values(row).on_conflict_do_nothing().execute(conn).await?;
    Ok(())
}

/// Takes the note back.
pub(super) async fn forget(conn: &mut AsyncPgConnection, owner: Owner) -> db::Result<()> {
    delete(erasures::table.find(owner.uuid())).execute(conn).await?;
    Ok(())
}

/// Deletes all documents of the owner with their history; gives how many documents.
pub(super) async fn delete_documents(conn: &mut AsyncPgConnection, owner: Owner) -> db::Result<usize> {
    let id = owner.uuid();
    Ok(match owner {
        Owner::User(_) => {
            delete(document_versions::table.filter(document_versions::owner_id.eq(id))).execute(conn).await?;
            delete(documents::table.filter(documents::owner_id.eq(id))).execute(conn).await?
        }
        Owner::Organization(_) => {
            delete(document_versions::table.filter(document_versions::org_id.eq(id))).execute(conn).await?;
            delete(documents::table.filter(documents::org_id.eq(id))).execute(conn).await?
        }
    })
}

/// Whether the user, or the organisation, is gone.
pub(crate) async fn is_noted(conn: &mut AsyncPgConnection, org: OrgId, user: UserId) -> db::Result<bool> {
    let noted = erasures::table.filter(erasures::id.eq_any([org.uuid(), user.uuid()]));
    Ok(select(exists(noted)).get_result(conn).await?)
}

impl Owner {
    fn uuid(self) -> Uuid {
        match self {
            Self::User(user) => user.uuid(),
            Self::Organization(org) => org.uuid(),
        }
    }
}
