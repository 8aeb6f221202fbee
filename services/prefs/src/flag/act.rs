//! What is done to a flag, each inside one transaction that holds the set: rows, history,
//! audit and event.

use audit::{Action, By, Entry};
use contract_prefs::{Flag, FlagChange, FlagDefinition, FlagId, FlagKey, audited, events::FlagChanged};
use diesel_async::AsyncPgConnection;
use identity::Principal;
use ids::Timestamp;
use problem::HttpError;

use super::{rules, store};
use crate::{
    evaluation::{self, Snapshot},
    flag_set::{self, FlagError},
    precondition::{PreconditionError, Preconditions},
};

/// Makes a flag.
pub(super) async fn create(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    new: FlagDefinition,
    now: Timestamp,
) -> Result<Flag, FlagError> {
    let org = caller.org;
    flag_set::store::begin(conn, caller).await?;
    let snapshot = evaluation::store::snapshot(conn, org).await?;
    let key =
        new.key.clone().ok_or_else(|| FlagError::field("/key", "missing_field", "missing field `key`"))?;
    rules::accept(&new, &snapshot.surroundings())?;
    if store::count(conn, org).await? >= rules::MOST_FLAGS {
        return Err(FlagError::TooMany { what: "flags", most: rules::MOST_FLAGS });
    }
    let id = FlagId::generate();
    let salt = new.salt.clone().unwrap_or_else(|| id.to_string());
    let new = FlagDefinition { salt: Some(salt), ..new };
    let made = store::insert(conn, org, id, &key, &new, now).await?;
    let made = made.ok_or(FlagError::Exists { what: "flag", key })?;
    tell(conn, by, caller, &made, FlagChange::Created).await?;
    Ok(made)
}

/// What a flag is changed to.
pub(super) enum Change {
    /// It says this.
    Replace(Box<FlagDefinition>),
    /// It is evaluated no more.
    Archive,
}

/// Changes a flag if it is as its writer says.
pub(super) async fn change(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    key: &FlagKey,
    preconditions: &Preconditions,
    change: Change,
) -> Result<Flag, HttpError> {
    let org = caller.org;
    flag_set::store::begin(conn, caller).await?;
    let held = store::find(conn, org, key).await?;
    preconditions
        .admit_write(&super::http::etag(&held))
        .map_err(|why| why.with_current(&super::http::etag(&held)))?;
    if held.archived {
        return Err(FlagError::Archived.into());
    }
    let snapshot = evaluation::store::snapshot(conn, org).await?;
    let (definition, archived, what) = match change {
        Change::Replace(new) => (settled(*new, &held, key)?, false, FlagChange::Updated),
        Change::Archive => (held.definition.clone(), true, FlagChange::Archived),
    };
    if !archived {
        rules::accept_type(held.definition.kind, definition.kind)?;
        rules::accept(&definition, &snapshot.surroundings())?;
    }
    keeps_experiments(&snapshot, key, &definition, archived)?;
    let changed = store::replace(conn, org, &held, archived, &definition, Timestamp::now()).await?;
    let changed = changed.ok_or(PreconditionError::Failed)?;
    tell(conn, by, caller, &changed, what).await?;
    Ok(changed)
}

/// Brings an earlier version back, of an archived flag, too.
pub(super) async fn restore(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    key: &FlagKey,
    version: i64,
    now: Timestamp,
) -> Result<Flag, FlagError> {
    let org = caller.org;
    flag_set::store::begin(conn, caller).await?;
    let held = store::find(conn, org, key).await?;
    let earlier = store::version(conn, org, held.id, version).await?.definition;
    let snapshot = evaluation::store::snapshot(conn, org).await?;
    rules::accept(&earlier, &snapshot.surroundings())?;
    keeps_experiments(&snapshot, key, &earlier, false)?;
    let restored = store::replace(conn, org, &held, false, &earlier, now).await?;
    let restored = restored.ok_or(FlagError::Unknown("flag"))?;
    tell(conn, by, caller, &restored, FlagChange::Restored).await?;
    Ok(restored)
}

/// The definition with what it leaves open: the key of the path, the salt as it was.
fn settled(new: FlagDefinition, held: &Flag, key: &FlagKey) -> Result<FlagDefinition, FlagError> {
    if new.key.as_ref().is_some_and(|written| written != key) {
        return Err(FlagError::field("/key", "key_is_fixed", "the key is the path's: make another flag"));
    }
    let salt = new.salt.clone().or_else(|| held.definition.salt.clone());
    Ok(FlagDefinition { key: Some(key.clone()), salt, ..new })
}

/// Refuses to take a variant away from an experiment that runs.
fn keeps_experiments(
    snapshot: &Snapshot,
    key: &FlagKey,
    definition: &FlagDefinition,
    archived: bool,
) -> Result<(), FlagError> {
    let gone = |variant: &str| archived || !definition.variants.contains_key(variant);
    match snapshot.experiment_with(key.as_str(), gone) {
        Some(id) => Err(FlagError::InUse { key: key.clone(), by: format!("the experiment {id}") }),
        None => Ok(()),
    }
}

/// Into the history, the audit log and the log of events.
async fn tell(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    flag: &Flag,
    change: FlagChange,
) -> Result<(), FlagError> {
    let (org_id, flag_id, version) = (caller.org, flag.id, flag.version);
    let key = flag.definition.key.clone().ok_or(FlagError::Broken("a key"))?;
    store::note(conn, org_id, flag, change, caller.user).await?;
    let entry = Entry::of(action(change)).on(flag_id).with("key", key.as_str()).with("version", version);
    audit::record(conn, by, entry).await?;
    events::publish(conn, &FlagChanged { org_id, flag_id, key, change, version }).await?;
    Ok(())
}

const fn action(change: FlagChange) -> Action {
    match change {
        FlagChange::Created => audited::FLAG_CREATED,
        FlagChange::Updated => audited::FLAG_UPDATED,
        FlagChange::Archived => audited::FLAG_ARCHIVED,
        FlagChange::Restored => audited::FLAG_RESTORED,
    }
}
