//! What validating by a schema costs, so that no document takes long.

use std::collections::BTreeMap;

use problem::FieldError;
use serde_json::{Map, Value};

use crate::shape::{DEFINITIONS, children};

/// How many patterns a schema may have; each may take 1 MB when compiled.
const MOST_PATTERNS: usize = 20;

/// How many subschemas a schema may have with every reference written out.
const MOST_SUBSCHEMAS: usize = 1000;

/// What is too costly about a schema, or goes in circles.
pub(crate) fn fault(schema: &Value) -> Option<FieldError> {
    let root = schema.as_object()?;
    let nothing = Map::new();
    let definitions = root.get("$defs").and_then(Value::as_object).unwrap_or(&nothing);
    Cost { definitions, known: BTreeMap::new() }.fault(root)
}

/// What validating by a schema costs: its subschemas and patterns, references written out.
struct Cost<'a> {
    definitions: &'a Map<String, Value>,
    /// The cost of each definition; `None` while it is being counted.
    known: BTreeMap<&'a str, Option<usize>>,
}

impl<'a> Cost<'a> {
    fn fault(&mut self, root: &'a Map<String, Value>) -> Option<FieldError> {
        let patterns = patterns(root);
        if patterns > MOST_PATTERNS {
            let detail = format!("{patterns} patterns, at most {MOST_PATTERNS} are wanted");
            return Some(FieldError::new("", "schema_too_costly", detail));
        }
        let named = self.definitions.keys().map(|name| self.definition(name)).sum::<Result<usize, _>>();
        match named.and_then(|_| self.of(root)) {
            Ok(cost) if cost <= MOST_SUBSCHEMAS => None,
            Ok(_) => {
                Some(FieldError::new("", "schema_too_costly", "it has too many parts to be validated fast"))
            }
            Err(fault) => Some(fault),
        }
    }

    fn of(&mut self, schema: &'a Map<String, Value>) -> Result<usize, FieldError> {
        let mut cost = 1_usize;
        if let Some(name) =
            schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(DEFINITIONS))
        {
            cost = cost.saturating_add(self.definition(name)?);
        }
        for (path, child) in children(schema) {
            if let Value::Object(child) = child
                && !path.starts_with("/$defs/")
            {
                cost = cost.saturating_add(self.of(child)?);
            }
        }
        Ok(cost)
    }

    fn definition(&mut self, name: &'a str) -> Result<usize, FieldError> {
        let at = format!("/$defs/{name}");
        match self.known.get(name) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => return Err(FieldError::new(at, "schema_recursive", "it refers to itself")),
            None => {}
        }
        let Some(schema) = self.definitions.get(name) else {
            return Err(FieldError::new(at, "definition_missing", "there is no such definition"));
        };
        self.known.insert(name, None);
        let cost = schema.as_object().map_or(Ok(1), |schema| self.of(schema))?;
        self.known.insert(name, Some(cost));
        Ok(cost)
    }
}

/// How many patterns there are in it, those of definitions included.
fn patterns(schema: &Map<String, Value>) -> usize {
    let own = usize::from(schema.contains_key("pattern"));
    let keys = schema.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
    let below = children(schema).into_iter().filter_map(|(_, child)| child.as_object()).map(patterns);
    own + keys + below.sum::<usize>()
}
