use std::collections::BTreeMap;

use ids::{Id, Kind, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{DeliveryState, MessageId, PostHogOptions, Speaks};

/// The kind of an endpoint's id.
#[derive(Debug)]
pub enum EndpointKind {}

impl Kind for EndpointKind {
    const PREFIX: &'static str = "ep";
    const NAME: &'static str = "EndpointId";
}

/// The id of an endpoint; lists are ordered by it.
pub type EndpointId = Id<EndpointKind>;

/// An endpoint to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"url": "https://example.com/hooks", "event_types": ["order.paid"]}))]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// Where events are posted: `https`, a public host, no name or password in it. An endpoint of the
    /// kind `poll` has none, and all others have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", min_length = 1, max_length = 2048)]
    pub url: Option<String>,
    /// The types of the events that it gets, such as `order.paid`; all of them, if none is named.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub event_types: Vec<String>,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: String,
    /// The most deliveries a second.
    #[serde(default = "default_rate")]
    #[schema(minimum = 1, maximum = 10_000, default = 10)]
    pub rate_limit: i32,
    /// Whether an event waits until the one before it is delivered.
    #[serde(default)]
    pub ordered: bool,
    /// Whose language it is spoken to in.
    #[serde(default)]
    pub kind: Speaks,
    /// For PostHog, and nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posthog: Option<PostHogOptions>,
    /// A JSON Schema (2020-12): of the events of these types it gets those whose `data` fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"properties": {"amount": {"minimum": 100}}}))]
    pub filter: Option<Value>,
    /// Headers that go with each message besides ours, such as `Authorization`. They are sealed, and
    /// nobody reads their values again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

const fn default_rate() -> i32 {
    10
}

impl NewEndpoint {
    /// One that gets all events, as the defaults are.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: Some(url.into()),
            event_types: Vec::new(),
            description: String::new(),
            rate_limit: default_rate(),
            ordered: false,
            kind: Speaks::Webhook,
            posthog: None,
            filter: None,
            headers: BTreeMap::new(),
        }
    }

    /// One whose messages are asked for, as the defaults are.
    #[must_use]
    pub fn polled() -> Self {
        Self { url: None, kind: Speaks::Poll, ..Self::at("") }
    }
}

/// What is to change of an endpoint; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"rate_limit": 50}))]
#[serde(deny_unknown_fields)]
pub struct EndpointPatch {
    /// Where events are posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", min_length = 1, max_length = 2048)]
    pub url: Option<String>,
    /// The types of the events that it gets; all of them, if none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100)]
    pub event_types: Option<Vec<String>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub description: Option<String>,
    /// The most deliveries a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    pub rate_limit: Option<i32>,
    /// Whether an event waits until the one before it is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordered: Option<bool>,
    /// A JSON Schema that `data` of its events fits; null: it gets all of these types.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Value>,
    /// Headers that go with each message, in the place of those that did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
}

/// Null is something else than nothing.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// An endpoint as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where events are posted, unless they are asked for.
    #[schema(format = "uri")]
    pub url: Option<String>,
    /// The types of the events that it gets; all of them, if none is named.
    pub event_types: Vec<String>,
    /// What it is for.
    pub description: String,
    /// The most deliveries a second.
    pub rate_limit: i32,
    /// Whether an event waits until the one before it is delivered.
    pub ordered: bool,
    /// Whose language it is spoken to in.
    pub kind: Speaks,
    /// For PostHog.
    pub posthog: Option<PostHogOptions>,
    /// The JSON Schema that `data` of its events fits.
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Value>,
    /// The names of the headers that go with each message.
    pub header_names: Vec<String>,
    /// Whether it gets any.
    pub enabled: bool,
    /// Why it was put off by itself.
    pub disabled_reason: Option<DisabledReason>,
    /// Since when nothing was delivered, if the last attempt failed.
    pub failing_since: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What is sent again to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recover {
    /// Each message that was accepted since then, and failed or was skipped.
    pub since: Timestamp,
}

/// What is sent to an endpoint that never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Each message that was accepted since then and never went to the endpoint, though it would now:
    /// it was off, or there was none, or it got other types.
    pub since: Timestamp,
}

/// Since when statistics are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// Of messages that were accepted since then; for a day, if it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// How an endpoint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointStats {
    /// Of messages that were accepted since then.
    pub since: Timestamp,
    /// How many it took.
    pub delivered: i64,
    /// How many are sent, or sent again.
    pub pending: i64,
    /// How many were sent as often as there are attempts.
    pub failed: i64,
    /// How many were not sent, since it was off.
    pub skipped: i64,
    /// How often something was sent for them.
    pub attempts: i64,
}

/// A message on its way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointDelivery {
    /// The message.
    pub message_id: MessageId,
    /// What happened.
    #[schema(example = "order.paid")]
    pub event_type: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: i32,
    /// When it is sent again.
    pub next_attempt_at: Option<Timestamp>,
}

/// One page of what goes to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointDeliveryPage {
    /// The deliveries, those of the latest messages first.
    pub data: Vec<EndpointDelivery>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// Why an endpoint was put off by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// It answered 410.
    Gone,
    /// Nothing was delivered for five days.
    Failing,
}

/// One page of the list of endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointPage {
    /// The endpoints, oldest first.
    pub data: Vec<Endpoint>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}
