use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use contract_prefs::NamespaceName;
use diesel_async::AsyncPgConnection;
use serde_json::Value;

use super::{NamespaceError, Validator, store};

/// How many namespaces' validators are kept at most; most take some 10 KB.
const MOST: usize = 256;

/// The compiled schemas of namespaces, the newest version of each.
#[derive(Debug, Default)]
pub(crate) struct Validators {
    held: Mutex<HashMap<NamespaceName, (i64, Arc<Validator>)>>,
}

impl Validators {
    /// The validator of this version of a namespace; `None` when the namespace was
    /// replaced meanwhile. The schema is read when it is not held yet.
    pub(crate) async fn find(
        &self,
        conn: &mut AsyncPgConnection,
        name: &NamespaceName,
        version: i64,
    ) -> Result<Option<Arc<Validator>>, NamespaceError> {
        if let Some(held) = self.held(name, version) {
            return Ok(Some(held));
        }
        match store::schema(conn, name, version).await? {
            Some(schema) => self.compile(name, version, &schema).map(Some),
            None => Ok(None),
        }
    }

    /// The validator of this version, whose `schema` is at hand.
    pub(crate) fn of(
        &self,
        name: &NamespaceName,
        version: i64,
        schema: &Value,
    ) -> Result<Arc<Validator>, NamespaceError> {
        self.held(name, version).map_or_else(|| self.compile(name, version, schema), Ok)
    }

    fn held(&self, name: &NamespaceName, version: i64) -> Option<Arc<Validator>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(name).filter(|(kept, _)| *kept == version).map(|(_, validator)| Arc::clone(validator))
    }

    fn compile(
        &self,
        name: &NamespaceName,
        version: i64,
        schema: &Value,
    ) -> Result<Arc<Validator>, NamespaceError> {
        let compiled = Validator::compile(schema).map_err(|why| {
            tracing::error!(namespace = %name, version, ?why, "a stored schema does not compile");
            NamespaceError::Broken(name.clone())
        })?;
        let compiled = Arc::new(compiled);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST && !held.contains_key(name) {
            held.clear();
        }
        held.insert(name.clone(), (version, Arc::clone(&compiled)));
        Ok(compiled)
    }
}
