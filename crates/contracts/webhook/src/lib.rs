//! What webhook says and hears: the shapes of its JSON, its routes, and a client.
//!
//! A message goes to the endpoints that get its type, each by a delivery of its own, in attempts.
//! An endpoint is a URL of a customer that events are posted to, signed by its secret as
//! [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks) has it.

pub mod audited;
mod client;
mod endpoint;
mod event_type;
pub mod events;
mod kind;
mod message;
mod poll;
mod portal;
pub mod routes;
mod secret;
mod source;
mod trial;

pub use client::Client;
pub use endpoint::{
    DisabledReason, Endpoint, EndpointDelivery, EndpointDeliveryPage, EndpointId, EndpointKind, EndpointPage,
    EndpointPatch, EndpointStats, NewEndpoint, Recover, Replay, StatsQuery,
};
pub use event_type::{EventType, EventTypePage, EventTypeSays, NewEventType};
pub use kind::{PostHogOptions, Speaks};
pub use message::{
    Attempt, AttemptId, AttemptKind, AttemptPage, Delivery, DeliveryState, Message, MessageId, MessageKind,
    MessagePage, MessageSummary, NewMessage, Resend,
};
pub use poll::{Polled, PolledMessage};
pub use portal::{NewPortalLink, PortalLink};
pub use secret::{EndpointSecret, NewSecret, RetiringSecret};
pub use source::{
    Encoding, HmacOptions, NewSource, Received, ReceivedHook, ReceivedId, ReceivedKind, ReceivedPage,
    SIGNATURE_HEADERS, Scheme, Source, SourceId, SourceKind, SourcePage, SourcePatch, SourceSecret,
};
pub use trial::Trial;
