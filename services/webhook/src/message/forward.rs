//! Events of the platform that customers may have: each becomes a message of its organisation, in the
//! transaction that handles it.

use contract_events::{Envelope, Event, EventType};
use contract_webhook::NewMessage;
use diesel_async::AsyncPgConnection;
use events::Subscriptions;
use ids::{EventId, OrgId, Timestamp};
use jobs::Failure;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use service_discovery::Service;

use super::{MessageError, http::send};
use crate::delivery;

/// The public events of the other services.
pub(crate) fn subscriptions() -> Subscriptions {
    let public = |(service, types): (Service, Vec<EventType>)| {
        types.into_iter().filter(|one| one.public).map(move |one| (service, one.name))
    };
    let all = [
        (Service::Auth, contract_auth::events::catalogue()),
        (Service::Prefs, contract_prefs::events::catalogue()),
    ];
    let types = all.into_iter().flat_map(public);
    types.fold(Subscriptions::new(), |subscriptions, (service, name)| {
        subscriptions.on_type(service, name, heard)
    })
}

/// Handles an event of another service.
async fn heard(conn: &mut AsyncPgConnection, event: &Envelope) -> Result<(), Failure> {
    let Some(org) = event.org_id else { return Ok(()) };
    let data = to_raw_value(&event.data)?;
    Ok(forward(conn, org, (event.id, &event.kind, data), event.occurred_at).await?)
}

/// Publishes an event of ours, to the other services and to customers.
pub(crate) async fn publish<E: Event>(conn: &mut AsyncPgConnection, event: &E) -> Result<(), MessageError> {
    let id = events::publish(conn, event).await?;
    let Some(org) = event.org().filter(|_| E::PUBLIC) else { return Ok(()) };
    forward(conn, org, (id, E::TYPE, to_raw_value(event)?), Timestamp::now()).await
}

/// The same, where customers are told a `payload` besides, which is too large for the other services.
pub(crate) async fn publish_with<E: Event>(
    conn: &mut AsyncPgConnection,
    event: &E,
    payload: &RawValue,
) -> Result<(), MessageError> {
    #[derive(Serialize)]
    struct Told<'a, E> {
        #[serde(flatten)]
        event: &'a E,
        payload: &'a RawValue,
    }
    let id = events::publish(conn, event).await?;
    let Some(org) = event.org().filter(|_| E::PUBLIC) else { return Ok(()) };
    let told = to_raw_value(&Told { event, payload })?;
    forward(conn, org, (id, E::TYPE, told), Timestamp::now()).await
}

/// Sends it to whoever gets its type. Where nobody does, nothing is kept: there are many events, and
/// most organisations have no endpoint.
async fn forward(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    (id, event_type, payload): (EventId, &str, Box<RawValue>),
    at: Timestamp,
) -> Result<(), MessageError> {
    if !delivery::is_wanted(conn, org, event_type).await? {
        return Ok(());
    }
    let (event_type, event_id) = (event_type.to_owned(), Some(id.to_string()));
    send(conn, org, &NewMessage { event_type, payload, event_id }, at).await?;
    Ok(())
}
