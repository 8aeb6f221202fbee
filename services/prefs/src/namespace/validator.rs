use contract_prefs::PreferenceDocument;
use problem::FieldError;
use serde_json::Value;

use super::shape;
use crate::document::locks;

/// The compiled JSON Schema of a namespace.
#[derive(Debug)]
pub(crate) struct Validator {
    schema: schemas::Validator,
    source: Value,
}

impl Validator {
    /// Compiles `schema`; a fault's pointer is into the schema.
    pub(crate) fn compile(schema: &Value) -> Result<Self, FieldError> {
        Ok(Self { schema: schemas::Validator::compile(schema)?, source: schema.clone() })
    }

    /// Whether documents may have a key where `pointer` says.
    pub(crate) fn knows(&self, pointer: &str) -> bool {
        shape::knows(&self.source, &self.source, &locks::keys(pointer).collect::<Vec<_>>())
    }

    /// What keeps `document` from fitting, the first 20 faults.
    pub(crate) fn faults(&self, document: &PreferenceDocument) -> Vec<FieldError> {
        self.schema.faults(&Value::Object(document.clone()))
    }
}
