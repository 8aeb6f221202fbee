use reqwest::{Method, RequestBuilder};
use service_discovery::{CallError, Peer};

use crate::{
    AttemptPage, Endpoint, EndpointDeliveryPage, EndpointId, EndpointPage, EndpointPatch, EndpointSecret,
    EndpointStats, EventType, EventTypePage, EventTypeSays, Message, MessageId, MessagePage, NewEndpoint,
    NewEventType, NewMessage, NewPortalLink, NewSecret, NewSource, Polled, PortalLink, ReceivedPage, Recover,
    Replay, Resend, Source, SourceId, SourcePatch, SourceSecret, StatsQuery, Trial, routes,
};

/// Calls webhook. Every method takes the caller's bearer token, and fails as [`Peer::send`] does:
/// with the problem that webhook answered, or with what kept an answer from coming.
#[derive(Clone, Debug)]
pub struct Client {
    peer: Peer,
}

impl Client {
    /// For the instances of webhook behind `peer`.
    #[must_use]
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The endpoints of the organisation, oldest first.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn endpoints(&self, token: &str, cursor: Option<&str>) -> Result<EndpointPage, CallError> {
        let request = self.request(Method::GET, routes::ENDPOINTS, token);
        self.peer.json(request.query(&cursor.map(|cursor| [("cursor", cursor)]))).await
    }

    /// Registers an endpoint.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn create_endpoint(&self, token: &str, new: &NewEndpoint) -> Result<Endpoint, CallError> {
        self.peer.json(self.request(Method::POST, routes::ENDPOINTS, token).json(new)).await
    }

    /// One endpoint.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn endpoint(&self, token: &str, id: EndpointId) -> Result<Endpoint, CallError> {
        self.peer.json(self.request(Method::GET, &of(routes::ENDPOINT, id), token)).await
    }

    /// Changes an endpoint.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn update_endpoint(
        &self,
        token: &str,
        id: EndpointId,
        patch: &EndpointPatch,
    ) -> Result<Endpoint, CallError> {
        self.peer.json(self.request(Method::PATCH, &of(routes::ENDPOINT, id), token).json(patch)).await
    }

    /// Deletes an endpoint.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn delete_endpoint(&self, token: &str, id: EndpointId) -> Result<(), CallError> {
        self.peer.send(self.request(Method::DELETE, &of(routes::ENDPOINT, id), token)).await.map(drop)
    }

    /// Has an endpoint get events, or none.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn put_on(&self, token: &str, id: EndpointId, enabled: bool) -> Result<Endpoint, CallError> {
        let route = if enabled { routes::ENABLE } else { routes::DISABLE };
        self.peer.json(self.request(Method::POST, &of(route, id), token)).await
    }

    /// The messages of an endpoint that is polled, after a cursor.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn poll(&self, token: &str, id: EndpointId, cursor: Option<&str>) -> Result<Polled, CallError> {
        let request = self.request(Method::GET, &of(routes::POLL, id), token);
        self.peer.json(request.query(&cursor.map(|cursor| [("cursor", cursor)]))).await
    }

    /// What goes to an endpoint, the latest messages first.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn deliveries(
        &self,
        token: &str,
        id: EndpointId,
        cursor: Option<&str>,
    ) -> Result<EndpointDeliveryPage, CallError> {
        let request = self.request(Method::GET, &of(routes::DELIVERIES, id), token);
        self.peer.json(request.query(&cursor.map(|cursor| [("cursor", cursor)]))).await
    }

    /// Registers a source.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn create_source(&self, token: &str, new: &NewSource) -> Result<Source, CallError> {
        self.peer.json(self.request(Method::POST, routes::SOURCES, token).json(new)).await
    }

    /// Changes a source.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn update_source(
        &self,
        token: &str,
        id: SourceId,
        patch: &SourcePatch,
    ) -> Result<Source, CallError> {
        let path = routes::SOURCE.replace("{id}", &id.to_string());
        self.peer.json(self.request(Method::PATCH, &path, token).json(patch)).await
    }

    /// Deletes a source.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn delete_source(&self, token: &str, id: SourceId) -> Result<(), CallError> {
        let path = routes::SOURCE.replace("{id}", &id.to_string());
        self.peer.send(self.request(Method::DELETE, &path, token)).await.map(drop)
    }

    /// What a source's hooks are verified with.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn source_secret(&self, token: &str, id: SourceId) -> Result<SourceSecret, CallError> {
        let path = routes::SOURCE_SECRET.replace("{id}", &id.to_string());
        self.peer.json(self.request(Method::GET, &path, token)).await
    }

    /// What came from a source, the latest first.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn received(
        &self,
        token: &str,
        id: SourceId,
        cursor: Option<&str>,
    ) -> Result<ReceivedPage, CallError> {
        let path = routes::RECEIVED.replace("{id}", &id.to_string());
        let request = self.request(Method::GET, &path, token);
        self.peer.json(request.query(&cursor.map(|cursor| [("cursor", cursor)]))).await
    }

    /// Makes a link to the portal.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn portal_link(&self, token: &str, new: &NewPortalLink) -> Result<PortalLink, CallError> {
        self.peer.json(self.request(Method::POST, routes::PORTAL_LINKS, token).json(new)).await
    }

    /// The catalogue of types.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn event_types(&self, token: &str, cursor: Option<&str>) -> Result<EventTypePage, CallError> {
        let request = self.request(Method::GET, routes::EVENT_TYPES, token);
        self.peer.json(request.query(&cursor.map(|cursor| [("cursor", cursor)]))).await
    }

    /// Registers a type of events.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn create_event_type(&self, token: &str, new: &NewEventType) -> Result<EventType, CallError> {
        self.peer.json(self.request(Method::POST, routes::EVENT_TYPES, token).json(new)).await
    }

    /// One type of events.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn event_type(&self, token: &str, name: &str) -> Result<EventType, CallError> {
        self.peer.json(self.request(Method::GET, &named(name), token)).await
    }

    /// Changes what a type of events says of itself.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn replace_event_type(
        &self,
        token: &str,
        name: &str,
        says: &EventTypeSays,
    ) -> Result<EventType, CallError> {
        self.peer.json(self.request(Method::PUT, &named(name), token).json(says)).await
    }

    /// Deletes a type of events.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn delete_event_type(&self, token: &str, name: &str) -> Result<(), CallError> {
        self.peer.send(self.request(Method::DELETE, &named(name), token)).await.map(drop)
    }

    /// What an endpoint's messages are signed with.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn secret(&self, token: &str, id: EndpointId) -> Result<EndpointSecret, CallError> {
        self.peer.json(self.request(Method::GET, &of(routes::SECRET, id), token)).await
    }

    /// Signs with another secret from now on.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn rotate_secret(&self, token: &str, id: EndpointId, new: &NewSecret) -> Result<(), CallError> {
        let request = self.request(Method::POST, &of(routes::ROTATE_SECRET, id), token).json(new);
        self.peer.send(request).await.map(drop)
    }

    /// Sends an endpoint a message, and tells what came of it.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn test(&self, token: &str, id: EndpointId) -> Result<Trial, CallError> {
        self.peer.json(self.request(Method::POST, &of(routes::TEST, id), token)).await
    }

    /// Sends again what failed, or was skipped.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn recover(&self, token: &str, id: EndpointId, recover: &Recover) -> Result<(), CallError> {
        let request = self.request(Method::POST, &of(routes::RECOVER, id), token).json(recover);
        self.peer.send(request).await.map(drop)
    }

    /// Sends what never went there.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn replay(&self, token: &str, id: EndpointId, replay: &Replay) -> Result<(), CallError> {
        let request = self.request(Method::POST, &of(routes::REPLAY, id), token).json(replay);
        self.peer.send(request).await.map(drop)
    }

    /// How an endpoint does.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn stats(
        &self,
        token: &str,
        id: EndpointId,
        query: &StatsQuery,
    ) -> Result<EndpointStats, CallError> {
        self.peer.json(self.request(Method::GET, &of(routes::STATS, id), token).query(query)).await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn send(&self, token: &str, new: &NewMessage) -> Result<Message, CallError> {
        self.peer.json(self.request(Method::POST, routes::MESSAGES, token).json(new)).await
    }

    /// The messages of the organisation, oldest first.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn messages(&self, token: &str, cursor: Option<&str>) -> Result<MessagePage, CallError> {
        let request = self.request(Method::GET, routes::MESSAGES, token);
        self.peer.json(request.query(&cursor.map(|cursor| [("cursor", cursor)]))).await
    }

    /// Sends a message once more.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn resend(&self, token: &str, id: MessageId, resend: &Resend) -> Result<Message, CallError> {
        self.peer.json(self.request(Method::POST, &of(routes::RESEND, id), token).json(resend)).await
    }

    /// A message, and how far it is.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn message(&self, token: &str, id: MessageId) -> Result<Message, CallError> {
        self.peer.json(self.request(Method::GET, &of(routes::MESSAGE, id), token)).await
    }

    /// The first times that a message was sent.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn attempts(&self, token: &str, id: MessageId) -> Result<AttemptPage, CallError> {
        let request = self.request(Method::GET, &of(routes::ATTEMPTS, id), token);
        self.peer.json(request.query(&[("limit", 100)])).await
    }

    fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.peer.request(method, path).bearer_auth(token)
    }
}

fn of(route: &str, id: impl ToString) -> String {
    route.replace("{id}", &id.to_string())
}

/// The route of a type; its name has nothing to escape.
fn named(name: &str) -> String {
    routes::EVENT_TYPE.replace("{name}", name)
}
