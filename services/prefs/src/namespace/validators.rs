use std::sync::Arc;

use contract_prefs::NamespaceName;
use diesel_async::AsyncPgConnection;
use schemas::Cache;
use serde_json::Value;

use super::{NamespaceError, Validator, store};

/// The compiled schemas of namespaces, the newest version of each.
#[derive(Debug, Default)]
pub(crate) struct Validators {
    held: Cache<NamespaceName, Validator>,
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
        if let Some(held) = self.held.get(name, version) {
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
        self.held.get(name, version).map_or_else(|| self.compile(name, version, schema), Ok)
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
        Ok(self.held.put(name, version, compiled))
    }
}
