use contract_audit::Action;
use ids::OrgId;
use serde_json::{Map, Value};

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub(crate) action: Action,
    pub(crate) org: Option<OrgId>,
    pub(crate) target: Option<String>,
    pub(crate) details: Map<String, Value>,
}

impl Entry {
    /// This action, out of the list in the service's contract.
    #[must_use]
    pub fn of(action: Action) -> Self {
        Self { action, org: None, target: None, details: Map::new() }
    }

    /// What it was done to: mostly an id.
    #[must_use]
    pub fn on(self, target: impl ToString) -> Self {
        Self { target: Some(target.to_string()), ..self }
    }

    /// Another organisation than the caller's: the one that is acted in.
    #[must_use]
    pub fn in_org(self, org: OrgId) -> Self {
        Self { org: Some(org), ..self }
    }

    /// What else a reader wants to know. Never a secret, and no more of a person than
    /// an id: the log is kept for good.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}
