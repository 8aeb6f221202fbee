//! A change of a layer, whole: what it relies on, the law, the row with its history, and
//! what others are told.

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    web::{Data, Path},
};
use audit::{Entry, Origin};
use contract_prefs::{
    NamespaceName, PreferenceChange, PreferenceDocument, audited,
    events::{OrganizationPreferencesChanged, PreferencesChanged},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::LocalBoxFuture;
use identity::{Credential, Principal};
use ids::Timestamp;
use problem::HttpError;
use service_kit::db;

use super::{
    DocumentError, Held, Layer, Whose, locks,
    rules::{self, Change},
    store::{self, Author, Write},
};
use crate::{
    erasure, history,
    migration::rules as migration,
    namespace::{Validator, Validators, rules::below},
    precondition::Preconditions,
};

/// How often a write that relies on nothing (`If-Match: *`) is tried against others.
const TRIES: usize = 16;

/// Which document a request is about, and what it relies on, as a handler's argument.
pub(crate) struct Target {
    origin: Origin,
    name: Path<NamespaceName>,
    preconditions: Preconditions,
    validators: Data<Validators>,
}

/// Who changes whose layer of what.
pub(crate) struct Act<'a> {
    target: &'a Target,
    caller: &'a Principal,
    whose: Whose,
}

impl Target {
    /// Changed by the caller.
    pub(crate) fn by<'a>(&'a self, caller: &'a Principal, whose: Whose) -> Act<'a> {
        Act { target: self, caller, whose }
    }
}

impl FromRequest for Target {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parts =
            <(Origin, Path<NamespaceName>, Preconditions, Data<Validators>)>::from_request(request, payload);
        Box::pin(async move {
            let (origin, name, preconditions, validators) = parts.await?;
            Ok(Self { origin, name, preconditions, validators })
        })
    }
}

/// What came of it.
pub(crate) struct Changed {
    pub(crate) held: Held,
    pub(crate) merged: PreferenceDocument,
}

impl Act<'_> {
    /// Reads, checks what the writer relies on, changes, and writes if all is as it was
    /// read. If it is not, the writer's precondition is checked anew: a stale one fails
    /// then, with the ETag of today, and `*` goes on.
    pub(crate) async fn change(
        &self,
        conn: &mut AsyncPgConnection,
        change: &Change,
    ) -> Result<Changed, HttpError> {
        let (org, user, whose) = (self.caller.org, self.caller.user, self.whose);
        let Target { name, preconditions, validators, .. } = self.target;
        for _ in 0..TRIES {
            let held = store::find(conn, org, user, name).await?;
            let etag = held.etag(whose);
            preconditions.admit_write(&etag).map_err(|why| why.with_current(&etag))?;
            let validator = validators.find(conn, name, held.namespace_version).await?;
            let Some(validator) = validator else { continue };
            let held = fitted(held, validators)?;
            let earlier = self.earlier(conn, &held, &validator, change).await?;
            let (layer, merged) = judged(&held, whose, change, earlier, &validator)?;
            if let Some(version) = self.write(conn, &held, &layer, change.kind()).await? {
                return Ok(Changed { held: after(held, whose, layer, version), merged });
            }
            if erasure::is_noted(conn, org, user).await? {
                return Err(DocumentError::OwnerGone.into());
            }
        }
        Err(DocumentError::Contended.into())
    }

    /// What is put back: a version out of the history, led to the schema of now.
    async fn earlier(
        &self,
        conn: &mut AsyncPgConnection,
        held: &Held,
        validator: &Validator,
        change: &Change,
    ) -> Result<Layer, DocumentError> {
        let Change::Restore(version) = change else { return Ok(Layer::default()) };
        let (org, user) = (self.caller.org, self.caller.user);
        let earlier = history::store::layer(conn, org, self.whose.owner(org, user), held, *version).await?;
        let (mut layer, steps) = earlier.ok_or(DocumentError::UnknownVersion(*version))?;
        migration::lead(&mut layer, &steps);
        let (below, locks) = (held.inherited(self.whose), held.locks(self.whose));
        layer.overrides = rules::fitting(&below, layer.overrides, &locks, |merged| validator.faults(merged));
        Ok(layer)
    }

    /// Writes, and tells the others; gives the new version, or `None` when something has
    /// changed since `held` was read.
    async fn write(
        &self,
        conn: &mut AsyncPgConnection,
        held: &Held,
        layer: &Layer,
        change: PreferenceChange,
    ) -> Result<Option<i64>, DocumentError> {
        let (org, user, author) = (self.caller.org, self.caller.user, Author::from(self.caller));
        let write = Write { org, user, whose: self.whose, held, layer, change, author: &author };
        db::transaction(conn, async |conn| {
            let Some(version) = store::write(conn, &write, Timestamp::now()).await? else { return Ok(None) };
            tell(conn, &write, version).await?;
            if self.whose == Whose::Organization {
                let entry = Entry::of(audited::ORGANIZATION_CHANGED).on(org);
                let entry = entry.with("namespace", held.namespace.as_str()).with("version", version);
                let entry = entry.with("change", change.as_str());
                audit::record(conn, &self.target.origin.caller(self.caller), entry).await?;
            }
            Ok(Some(version))
        })
        .await
    }
}

/// The layer after the change and what holds then, if it may be.
fn judged(
    held: &Held,
    whose: Whose,
    change: &Change,
    earlier: Layer,
    validator: &Validator,
) -> Result<(Layer, PreferenceDocument), DocumentError> {
    let locked = held.locks(whose);
    let refusals = change.written().map(|written| locks::refusals(written, &locked)).unwrap_or_default();
    let faults = match change {
        Change::Lock(locks) => below("/locks", locks::faults(locks, |lock| validator.knows(lock))),
        _ => refusals,
    };
    if !faults.is_empty() {
        return Err(DocumentError::Invalid(faults));
    }
    let layer = change.apply(&held.stored(whose).layer, earlier);
    let inherited = held.inherited(whose);
    let merged = rules::accept(&inherited, &layer.overrides, &locked, |merged| validator.faults(merged))?;
    Ok((layer, merged))
}

fn after(mut held: Held, whose: Whose, layer: Layer, version: i64) -> Held {
    let stored = held.stored_mut(whose);
    (stored.layer, stored.version) = (layer, version);
    held
}

/// Tells the other services that a layer is another one; whoever watches hears of it, too.
pub(crate) async fn tell(conn: &mut AsyncPgConnection, write: &Write<'_>, version: i64) -> db::Result<()> {
    let (org_id, user_id, namespace) = (write.org, write.user, write.held.namespace.clone());
    match write.whose {
        Whose::User => {
            events::publish(conn, &PreferencesChanged { org_id, user_id, namespace, version }).await?;
        }
        Whose::Organization => {
            events::publish(conn, &OrganizationPreferencesChanged { org_id, namespace, version }).await?;
        }
    }
    Ok(())
}

/// Leads layers of earlier versions to the namespace as it is now, and leaves out what
/// does not fit all the same.
pub(crate) fn fitted(mut held: Held, validators: &Validators) -> Result<Held, DocumentError> {
    let Some(schema) = held.schema.take() else { return Ok(held) };
    let validator = validators.of(&held.namespace, held.namespace_version, &schema)?;
    for stored in [&mut held.organization, &mut held.user] {
        migration::lead(&mut stored.layer, &std::mem::take(&mut stored.migration));
    }
    for whose in [Whose::Organization, Whose::User] {
        let (below, locks) = (held.inherited(whose), held.locks(whose));
        let layer = &mut held.stored_mut(whose).layer;
        let overrides = std::mem::take(&mut layer.overrides);
        layer.overrides = rules::fitting(&below, overrides, &locks, |merged| validator.faults(merged));
    }
    Ok(held)
}

impl From<&Principal> for Author {
    fn from(caller: &Principal) -> Self {
        let by_itself = matches!(caller.credential, Credential::Session(_));
        let credential = (!by_itself).then(|| caller.credential.to_string());
        let through = caller.actor.as_ref().map(|actor| actor.sub.clone()).or(credential);
        Self { user: Some(caller.user), through }
    }
}
