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
    documents (org_id, user_id, namespace) {
        org_id -> Uuid,
        user_id -> Uuid,
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

/// Deletes all documents of the owner; gives how many.
pub(super) async fn delete_documents(conn: &mut AsyncPgConnection, owner: Owner) -> db::Result<usize> {
    let gone = match owner {
        Owner::User(user) => delete(documents::table.filter(documents::user_id.eq(user))).execute(conn).await,
        Owner::Organization(org) => {
            delete(documents::table.filter(documents::org_id.eq(org))).execute(conn).await
        }
    };
    Ok(gone?)
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
