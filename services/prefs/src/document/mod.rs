//! A document: what holds in one namespace. A layer is what somebody overrides: the
//! organisation the defaults, its user all that is below.

pub(crate) mod act;
mod error;
pub(crate) mod http;
pub(crate) mod locks;
pub(crate) mod rules;
pub(crate) mod store;

pub(crate) use error::DocumentError;

use actix_web::http::header::EntityTag;
use contract_prefs::{MigrationStep, NamespaceName, PreferenceDocument};
use ids::{OrgId, UserId};
use serde_json::Value;
use uuid::Uuid;

/// Whose layer is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A user's own.
    User,
    /// The organisation's, which holds for all its members.
    Organization,
}

impl Whose {
    /// The owner's id in the tables; no user has the id of an organisation.
    pub(crate) fn owner(self, org: OrgId, user: UserId) -> Uuid {
        match self {
            Self::User => user.uuid(),
            Self::Organization => org.uuid(),
        }
    }
}

/// What one owner overrides, and keeps others from overriding.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layer {
    pub(crate) overrides: PreferenceDocument,
    /// JSON Pointers; only an organisation has any.
    pub(crate) locks: Vec<String>,
}

/// A layer as the database has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) layer: Layer,
    /// 0 when nothing was ever written.
    pub(crate) version: i64,
    /// What leads it to the namespace as it is now, if it was written for an earlier version.
    pub(crate) migration: Vec<MigrationStep>,
}

/// Both layers of one namespace, with what they override.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) namespace: NamespaceName,
    pub(crate) namespace_version: i64,
    pub(crate) defaults: PreferenceDocument,
    /// What the platform locks.
    pub(crate) locks: Vec<String>,
    pub(crate) organization: Stored,
    pub(crate) user: Stored,
    /// The namespace's schema, if a layer was last seen to fit something else than what
    /// lies below it now: then some of it may not fit any more.
    pub(crate) schema: Option<Value>,
}

impl Held {
    /// Strong, and never the same twice: no version ever goes back.
    pub(crate) fn etag(&self, whose: Whose) -> EntityTag {
        let (namespace, organization) = (self.namespace_version, self.organization.version);
        EntityTag::new_strong(match whose {
            Whose::Organization => format!("{namespace}.{organization}"),
            Whose::User => format!("{namespace}.{organization}.{}", self.user.version),
        })
    }

    pub(crate) fn stored(&self, whose: Whose) -> &Stored {
        match whose {
            Whose::User => &self.user,
            Whose::Organization => &self.organization,
        }
    }

    pub(crate) fn stored_mut(&mut self, whose: Whose) -> &mut Stored {
        match whose {
            Whose::User => &mut self.user,
            Whose::Organization => &mut self.organization,
        }
    }

    /// What the layer overrides.
    pub(crate) fn inherited(&self, whose: Whose) -> PreferenceDocument {
        match whose {
            Whose::User => self.merged(Whose::Organization),
            Whose::Organization => self.defaults.clone(),
        }
    }

    /// What the layer cannot override.
    pub(crate) fn locks(&self, whose: Whose) -> Vec<String> {
        match whose {
            Whose::User => locks::united(&self.locks, &self.organization.layer.locks),
            Whose::Organization => self.locks.clone(),
        }
    }

    /// What holds for the owner.
    pub(crate) fn merged(&self, whose: Whose) -> PreferenceDocument {
        rules::overlay(&self.inherited(whose), &self.stored(whose).layer.overrides, &self.locks(whose))
    }
}
