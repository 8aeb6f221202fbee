use ids::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A type of an organisation's own events to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "name": "order.paid",
    "description": "An order was paid.",
    "schema": {"type": "object", "required": ["order_id"], "properties": {"order_id": {"type": "string"}}},
    "example": {"order_id": "1042"}
}))]
#[serde(deny_unknown_fields)]
pub struct NewEventType {
    /// Its name: words with full stops between them.
    #[schema(example = "order.paid", min_length = 1, max_length = 128)]
    pub name: String,
    /// What has happened when it comes.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: String,
    /// The JSON Schema (2020-12) that the payload of each such message must fit; any will do without one.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub schema: Option<Value>,
    /// A payload, which fits the schema.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub example: Option<Value>,
}

impl NewEventType {
    /// What it says beside its name.
    #[must_use]
    pub fn says(self) -> EventTypeSays {
        EventTypeSays { description: self.description, schema: self.schema, example: self.example }
    }
}

/// What a type says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"description": "An order was paid.", "schema": {"type": "object"}}))]
#[serde(deny_unknown_fields)]
pub struct EventTypeSays {
    /// What has happened when it comes.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: String,
    /// The JSON Schema (2020-12) that the payload of each such message must fit; any will do without one.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub schema: Option<Value>,
    /// A payload, which fits the schema.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub example: Option<Value>,
}

/// A type of events, as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventType {
    /// Its name.
    #[schema(example = "order.paid")]
    pub name: String,
    /// What has happened when it comes.
    pub description: String,
    /// The JSON Schema that the payload fits.
    #[schema(value_type = Option<Object>)]
    pub schema: Option<Value>,
    /// A payload.
    #[schema(value_type = Option<Object>)]
    pub example: Option<Value>,
    /// Whether it is the platform's: nobody else sends or changes it.
    pub platform: bool,
    /// When it was registered; null for the platform's.
    pub created_at: Option<Timestamp>,
    /// When it last changed; null for the platform's.
    pub updated_at: Option<Timestamp>,
}

/// One page of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventTypePage {
    /// The types: on the first page all of the platform's, then the organisation's own, oldest first.
    pub data: Vec<EventType>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}
