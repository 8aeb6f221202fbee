use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whose language an endpoint is spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Speaks {
    /// Standard Webhooks: `{"type", "timestamp", "data"}`, signed.
    #[default]
    Webhook,
    /// An [incoming webhook](https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks) of
    /// Slack: `{"text"}`, not signed.
    Slack,
    /// A [REST hook](https://docs.zapier.com/platform/build/hook-trigger) of Zapier: as a webhook, with its
    /// `id`. Zapier subscribes by registering an endpoint, and unsubscribes by deleting it.
    Zapier,
    /// A [Webhook node](https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/) of n8n: as
    /// a webhook, with its `id`.
    N8n,
    /// [Capture](https://posthog.com/docs/api/capture) of PostHog: an event of a person, not signed.
    PostHog,
    /// Not at all: who has it asks for its messages, in the order in which they were accepted, by
    /// `GET …/endpoints/{id}/poll`. For receivers that nobody can reach from outside.
    Poll,
}

/// What PostHog has to be told besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"api_key": "phc_1234", "distinct_id": "/user_id"}))]
#[serde(deny_unknown_fields)]
pub struct PostHogOptions {
    /// The project's API key. It can write events and read nothing, so that it may be shown.
    #[schema(min_length = 1, max_length = 200)]
    pub api_key: String,
    /// Where in `data` the person stands, as a JSON Pointer (RFC 6901). Where nobody does, the event is
    /// the organisation's, without a profile of a person.
    #[serde(default = "user_id")]
    #[schema(default = "/user_id", max_length = 200)]
    pub distinct_id: String,
}

fn user_id() -> String {
    "/user_id".to_owned()
}
