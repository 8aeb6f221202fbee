mod flags;

use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH},
};
use serde::de::DeserializeOwned;
use service_discovery::{CallError, Peer};

use crate::{
    ExportedPreferences, MERGE_PATCH, Namespace, NamespaceName, NamespacePage, NamespaceVersionPage,
    NewNamespace, PreferenceDocument, Preferences, routes,
};

/// Calls prefs. Every method takes the caller's bearer token.
///
/// Each fails as [`Peer::send`] does: with the problem that prefs answered, or with
/// what kept an answer from coming.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) peer: Peer,
}

/// What was read, with the ETag for the next write.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged<T> {
    /// What was read.
    pub value: T,
    /// Its ETag, quotes included.
    pub etag: String,
}

/// What a write of a namespace relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing<'a> {
    /// There is no such namespace yet.
    New,
    /// It is still the one with this ETag.
    Over(&'a str),
}

impl Client {
    /// For the instances of prefs behind `peer`.
    #[must_use]
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// All preferences of the caller; where each value comes from, if asked for.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn preferences(&self, token: &str, provenance: bool) -> Result<Preferences, CallError> {
        let path = format!("{}?provenance={provenance}", routes::PREFERENCES);
        self.peer.json(self.request(Method::GET, &path, token)).await
    }

    /// One document.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn document(
        &self,
        token: &str,
        namespace: &NamespaceName,
    ) -> Result<Tagged<PreferenceDocument>, CallError> {
        self.tagged(self.request(Method::GET, &of(routes::DOCUMENT, namespace), token)).await
    }

    /// One document, or `None` when it is still the one with the ETag `known`.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn document_if_changed(
        &self,
        token: &str,
        namespace: &NamespaceName,
        known: &str,
    ) -> Result<Option<Tagged<PreferenceDocument>>, CallError> {
        let request =
            self.request(Method::GET, &of(routes::DOCUMENT, namespace), token).header(IF_NONE_MATCH, known);
        let response = self.peer.send(request).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        read(response).await.map(Some)
    }

    /// Replaces all of the caller's overrides in one namespace.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn replace_document(
        &self,
        token: &str,
        namespace: &NamespaceName,
        etag: &str,
        overrides: &PreferenceDocument,
    ) -> Result<Tagged<PreferenceDocument>, CallError> {
        let request = self.request(Method::PUT, &of(routes::DOCUMENT, namespace), token);
        self.tagged(request.header(IF_MATCH, etag).json(overrides)).await
    }

    /// Changes some of the caller's overrides (RFC 7396); `null` takes one back.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn patch_document(
        &self,
        token: &str,
        namespace: &NamespaceName,
        etag: &str,
        patch: &PreferenceDocument,
    ) -> Result<Tagged<PreferenceDocument>, CallError> {
        let request = self.request(Method::PATCH, &of(routes::DOCUMENT, namespace), token);
        // The media type first: `json` leaves one that is there.
        self.tagged(request.header(IF_MATCH, etag).header(CONTENT_TYPE, MERGE_PATCH).json(patch)).await
    }

    /// Takes back all of the caller's overrides in one namespace; gives what is inherited.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn reset_document(
        &self,
        token: &str,
        namespace: &NamespaceName,
        etag: &str,
    ) -> Result<Tagged<PreferenceDocument>, CallError> {
        let request = self.request(Method::DELETE, &of(routes::DOCUMENT, namespace), token);
        self.tagged(request.header(IF_MATCH, etag)).await
    }

    /// A page of the namespaces, oldest first. `limit` is from 1 to 100.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn namespaces(
        &self,
        token: &str,
        limit: u8,
        cursor: Option<&str>,
    ) -> Result<NamespacePage, CallError> {
        let request = self.request(Method::GET, routes::NAMESPACES, token).query(&[("limit", limit)]);
        self.peer.json(request.query(&[("cursor", cursor)])).await
    }

    /// One namespace.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn namespace(&self, token: &str, name: &NamespaceName) -> Result<Tagged<Namespace>, CallError> {
        self.tagged(self.request(Method::GET, &of(routes::NAMESPACE, name), token)).await
    }

    /// Registers a namespace, or replaces one.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn put_namespace(
        &self,
        token: &str,
        name: &NamespaceName,
        writing: Writing<'_>,
        new: &NewNamespace,
    ) -> Result<Tagged<Namespace>, CallError> {
        let request = self.request(Method::PUT, &of(routes::NAMESPACE, name), token).json(new);
        let request = match writing {
            Writing::New => request.header(IF_NONE_MATCH, "*"),
            Writing::Over(etag) => request.header(IF_MATCH, etag),
        };
        self.tagged(request).await
    }

    /// A page of a namespace's versions, newest first. `limit` is from 1 to 100.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn namespace_versions(
        &self,
        token: &str,
        name: &NamespaceName,
        limit: u8,
        cursor: Option<&str>,
    ) -> Result<NamespaceVersionPage, CallError> {
        self.page(routes::NAMESPACE_VERSIONS, name, token, limit, cursor).await
    }

    /// Erases all of the caller's preferences in the organisation, with their history.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn erase(&self, token: &str) -> Result<(), CallError> {
        self.peer.send(self.request(Method::DELETE, routes::PREFERENCES, token)).await.map(drop)
    }

    /// All that is held of the caller's preferences in the organisation.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn export(&self, token: &str) -> Result<ExportedPreferences, CallError> {
        self.peer.json(self.request(Method::GET, routes::EXPORT, token)).await
    }

    pub(crate) fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.peer.request(method, path).bearer_auth(token)
    }

    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        route: &str,
        name: &NamespaceName,
        token: &str,
        limit: u8,
        cursor: Option<&str>,
    ) -> Result<T, CallError> {
        let request = self.request(Method::GET, &of(route, name), token).query(&[("limit", limit)]);
        self.peer.json(request.query(&[("cursor", cursor)])).await
    }

    pub(crate) async fn tagged<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Tagged<T>, CallError> {
        read(self.peer.send(request).await?).await
    }
}

/// The path of a route that is about a namespace.
pub(crate) fn of(route: &str, namespace: &NamespaceName) -> String {
    route.replace("{namespace}", namespace.as_str())
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<Tagged<T>, CallError> {
    let status = response.status().as_u16();
    let etag = response.headers().get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = response.bytes().await.map_err(CallError::Transport)?;
    let value = serde_json::from_slice(&body);
    match (value, etag) {
        (Ok(value), Some(etag)) => Ok(Tagged { value, etag }),
        (value, _) => Err(CallError::Unreadable { status, source: value.err() }),
    }
}
