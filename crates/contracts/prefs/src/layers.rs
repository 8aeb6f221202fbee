//! The client's methods about layers: the organisation's, and what a layer was before.

use reqwest::{
    Method,
    header::{CONTENT_TYPE, IF_MATCH},
};
use service_discovery::CallError;

use crate::{
    Client, Locks, MERGE_PATCH, NamespaceName, OrganizationPreferences, PreferenceDocument,
    PreferenceHistory, Restore, Tagged, client::of, routes,
};

impl Client {
    /// The organisation's layer in one namespace.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn organization(
        &self,
        token: &str,
        namespace: &NamespaceName,
    ) -> Result<Tagged<OrganizationPreferences>, CallError> {
        self.tagged(self.request(Method::GET, &of(routes::ORGANIZATION, namespace), token)).await
    }

    /// Replaces all of the organisation's overrides in one namespace.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn replace_organization(
        &self,
        token: &str,
        namespace: &NamespaceName,
        etag: &str,
        overrides: &PreferenceDocument,
    ) -> Result<Tagged<OrganizationPreferences>, CallError> {
        let request = self.request(Method::PUT, &of(routes::ORGANIZATION, namespace), token);
        self.tagged(request.header(IF_MATCH, etag).json(overrides)).await
    }

    /// Changes some of the organisation's overrides (RFC 7396); `null` takes one back.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn patch_organization(
        &self,
        token: &str,
        namespace: &NamespaceName,
        etag: &str,
        patch: &PreferenceDocument,
    ) -> Result<Tagged<OrganizationPreferences>, CallError> {
        let request = self.request(Method::PATCH, &of(routes::ORGANIZATION, namespace), token);
        // The media type first: `json` leaves one that is there.
        self.tagged(request.header(IF_MATCH, etag).header(CONTENT_TYPE, MERGE_PATCH).json(patch)).await
    }

    /// Takes back all of the organisation's overrides in one namespace, and its locks.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn reset_organization(
        &self,
        token: &str,
        namespace: &NamespaceName,
        etag: &str,
    ) -> Result<Tagged<OrganizationPreferences>, CallError> {
        let request = self.request(Method::DELETE, &of(routes::ORGANIZATION, namespace), token);
        self.tagged(request.header(IF_MATCH, etag)).await
    }

    /// Replaces the organisation's locks in one namespace.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn lock(
        &self,
        token: &str,
        namespace: &NamespaceName,
        etag: &str,
        locks: &Locks,
    ) -> Result<Tagged<OrganizationPreferences>, CallError> {
        let request = self.request(Method::PUT, &of(routes::LOCKS, namespace), token);
        self.tagged(request.header(IF_MATCH, etag).json(locks)).await
    }

    /// A page of the versions of the caller's overrides, newest first. `limit` is from 1 to 100.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn history(
        &self,
        token: &str,
        namespace: &NamespaceName,
        limit: u8,
        cursor: Option<&str>,
    ) -> Result<PreferenceHistory, CallError> {
        self.page(routes::HISTORY, namespace, token, limit, cursor).await
    }

    /// A page of the versions of the organisation's layer, newest first.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn organization_history(
        &self,
        token: &str,
        namespace: &NamespaceName,
        limit: u8,
        cursor: Option<&str>,
    ) -> Result<PreferenceHistory, CallError> {
        self.page(routes::ORGANIZATION_HISTORY, namespace, token, limit, cursor).await
    }

    /// Puts an earlier version of the caller's overrides back.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn restore(
        &self,
        token: &str,
        namespace: &NamespaceName,
        etag: &str,
        version: i64,
    ) -> Result<Tagged<PreferenceDocument>, CallError> {
        let request = self.request(Method::POST, &of(routes::RESTORE, namespace), token);
        self.tagged(request.header(IF_MATCH, etag).json(&Restore { version })).await
    }

    /// Puts an earlier version of the organisation's layer back.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn restore_organization(
        &self,
        token: &str,
        namespace: &NamespaceName,
        etag: &str,
        version: i64,
    ) -> Result<Tagged<OrganizationPreferences>, CallError> {
        let request = self.request(Method::POST, &of(routes::RESTORE_ORGANIZATION, namespace), token);
        self.tagged(request.header(IF_MATCH, etag).json(&Restore { version })).await
    }
}
