use std::fmt;

use ids::{Id, Kind, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The kind of a source's id.
#[derive(Debug)]
pub enum SourceKind {}

impl Kind for SourceKind {
    const PREFIX: &'static str = "src";
    const NAME: &'static str = "SourceId";
}

/// The id of a source; lists are ordered by it.
pub type SourceId = Id<SourceKind>;

/// The kind of the id of what was received.
#[derive(Debug)]
pub enum ReceivedKind {}

impl Kind for ReceivedKind {
    const PREFIX: &'static str = "rcv";
    const NAME: &'static str = "ReceivedId";
}

/// The id of what was received; lists are ordered by it.
pub type ReceivedId = Id<ReceivedKind>;

/// How a provider signs what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// HMAC-SHA256 of the body, in a header, as `hmac` says.
    Hmac,
    /// [Stripe](https://docs.stripe.com/webhooks#verify-manually): `Stripe-Signature: t=…,v1=…`.
    Stripe,
    /// [GitHub](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries):
    /// `X-Hub-Signature-256: sha256=…`.
    Github,
    /// [Slack](https://docs.slack.dev/authentication/verifying-requests-from-slack): `X-Slack-Signature: v0=…`.
    Slack,
    /// [Standard Webhooks](https://www.standardwebhooks.com): `webhook-signature: v1,…`.
    StandardWebhooks,
}

/// The headers in which a signature may stand: those that the gateway passes on.
pub const SIGNATURE_HEADERS: [&str; 7] = [
    "linear-signature",
    "x-gitea-signature",
    "x-hub-signature-256",
    "x-shopify-hmac-sha256",
    "x-signature",
    "x-signature-256",
    "x-webhook-signature",
];

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// In hexadecimal.
    #[default]
    Hex,
    /// In Base64 (RFC 4648 section 4).
    Base64,
}

/// Where a signature stands, and what the body says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"header": "x-signature", "event_id": "/id", "event_type": "/type"}))]
#[serde(deny_unknown_fields)]
pub struct HmacOptions {
    /// The header: one of `linear-signature`, `x-gitea-signature`, `x-hub-signature-256`,
    /// `x-shopify-hmac-sha256`, `x-signature`, `x-signature-256`, `x-webhook-signature`.
    #[serde(default = "signature_header")]
    #[schema(default = "x-signature")]
    pub header: String,
    /// How it is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before it, such as `sha256=`.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub prefix: String,
    /// Where in the body the event's id stands, as a JSON Pointer (RFC 6901): what comes a second time
    /// with the same is left out. Without one, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub event_id: Option<String>,
    /// Where its type stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub event_type: Option<String>,
}

fn signature_header() -> String {
    "x-signature".to_owned()
}

impl Default for HmacOptions {
    fn default() -> Self {
        let header = signature_header();
        Self { header, encoding: Encoding::Hex, prefix: String::new(), event_id: None, event_type: None }
    }
}

/// A source to register.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"name": "Our Stripe account", "scheme": "stripe", "secret": "whsec_4fTqZ8kE2vNn"}))]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    /// What it is.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// How its provider signs.
    pub scheme: Scheme,
    /// What the provider signs with, as it shows it; a random one, if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 8, max_length = 256)]
    pub secret: Option<String>,
    /// For the scheme `hmac`, and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac: Option<HmacOptions>,
}

/// What is to change of a source; the rest stays.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"name": "Our Stripe account"}))]
#[serde(deny_unknown_fields)]
pub struct SourcePatch {
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What the provider signs with from now on; the old one is good for a day besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 8, max_length = 256)]
    pub secret: Option<String>,
    /// For the scheme `hmac`, in the place of what was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac: Option<HmacOptions>,
}

/// A source as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// What it is.
    pub name: String,
    /// How its provider signs.
    pub scheme: Scheme,
    /// For the scheme `hmac`.
    pub hmac: Option<HmacOptions>,
    /// Where its provider is to post, below Plinth's origin.
    #[schema(example = "/api/v1/hooks/src_01h455vb4pex5vsknk084sn02q")]
    pub path: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One page of the list of sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourcePage {
    /// The sources, oldest first.
    pub data: Vec<Source>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// What a source's hooks are verified with. Whoever has it can forge them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceSecret {
    /// As the provider takes it.
    pub secret: String,
}

/// What came from a source.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Received {
    /// Its id.
    pub id: ReceivedId,
    /// The provider's own, if it says one: what has the same is the same.
    pub event_id: Option<String>,
    /// What happened, as the provider calls it.
    pub event_type: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// What it said, as it was written.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
}

/// One page of what came from a source.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReceivedPage {
    /// What came, the latest first.
    pub data: Vec<Received>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// What a provider is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedHook {
    /// What it became.
    pub id: ReceivedId,
    /// It had come before.
    pub duplicate: bool,
}

impl fmt::Debug for NewSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSource")
            .field("name", &self.name)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SourcePatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourcePatch").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for SourceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceSecret").finish_non_exhaustive()
    }
}
