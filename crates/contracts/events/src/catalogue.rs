use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Event;

/// A type of events, as catalogues show it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EventType {
    /// Its name: `user.created`.
    pub name: &'static str,
    /// What has happened when it comes, in a sentence.
    pub description: &'static str,
    /// Whether customers may have it delivered to their own endpoints.
    pub public: bool,
    /// The JSON Schema (2020-12) of `data`; it stands alone.
    #[schema(value_type = Object)]
    pub schema: Value,
    /// `data` of such an event.
    #[schema(value_type = Object)]
    pub example: Value,
}

impl EventType {
    /// What the type `E` says of itself.
    #[must_use]
    pub fn of<E: Event>() -> Self {
        Self {
            name: E::TYPE,
            description: E::DESCRIPTION,
            public: E::PUBLIC,
            schema: schema::<E>(),
            example: serde_json::to_value(E::example()).unwrap_or_default(),
        }
    }
}

/// OpenAPI 3.1 keeps named schemas beside each other; here they move into the schema.
fn schema<E: Event>() -> Value {
    let mut named = Vec::new();
    E::schemas(&mut named);
    let mut schema = serde_json::to_value(E::schema()).unwrap_or_default();
    let named: Map<_, _> = named
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    if let (Some(members), false) = (schema.as_object_mut(), named.is_empty()) {
        members.insert("$defs".to_owned(), Value::Object(named));
    }
    point_inward(&mut schema);
    schema
}

fn point_inward(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get_mut("$ref") {
                *target = target.replace("#/components/schemas/", "#/$defs/");
            }
            members.values_mut().for_each(point_inward);
        }
        Value::Array(items) => items.iter_mut().for_each(point_inward),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ids::OrgId;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Serialize, Deserialize, ToSchema)]
    struct Colour {
        hue: u16,
    }

    #[derive(Serialize, Deserialize, ToSchema)]
    struct Painted {
        org_id: OrgId,
        colour: Colour,
    }

    impl Event for Painted {
        const TYPE: &'static str = "wall.painted";
        const DESCRIPTION: &'static str = "A wall has a new colour.";
        const PUBLIC: bool = true;

        fn org(&self) -> Option<OrgId> {
            Some(self.org_id)
        }

        fn aggregate(&self) -> String {
            "wall".to_owned()
        }

        fn version(&self) -> i64 {
            1
        }

        fn example() -> Self {
            Self { org_id: OrgId::generate(), colour: Colour { hue: 30 } }
        }
    }

    #[test]
    fn a_schema_stands_alone() {
        let listed = EventType::of::<Painted>();
        assert_eq!(
            (listed.name, listed.public, &listed.example["colour"]["hue"]),
            ("wall.painted", true, &json!(30))
        );
        let text = listed.schema.to_string();
        assert!(!text.contains("components"), "{text}");
        assert_eq!(listed.schema["$defs"]["Colour"]["properties"]["hue"]["type"], "integer", "{text}");
    }
}
