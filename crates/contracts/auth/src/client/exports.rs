//! What is held about the caller, to be taken along.

use ids::ExportId;
use reqwest::Method;

use super::{Client, Result, at};
use crate::{Export, ExportDocument, ExportList, Secret};

/// The paths, as auth's OpenAPI document writes them.
pub(super) mod routes {
    #![expect(missing_docs, reason = "each is the path it holds")]
    pub const EXPORTS: &str = "/api/v1/auth/me/exports";
    pub const EXPORT: &str = "/api/v1/auth/me/exports/{id}";
    pub const EXPORT_DOWNLOAD: &str = "/api/v1/auth/me/exports/{id}/download";
    pub const LATEST_EXPORT: &str = "/api/v1/auth/me/export";
}

/// Exports.
impl Client {
    /// Asks for an export; gives the one that is under way, if one is.
    ///
    /// # Errors
    /// A refusal (403: log in anew first, 429: too many in a day), or no answer.
    pub async fn request_export(&self, token: &Secret) -> Result<Export> {
        self.json(self.with(token, Method::POST, routes::EXPORTS)).await
    }

    /// A page of the caller's exports; `query` as in `?limit=10&cursor=…`, or empty.
    ///
    /// # Errors
    /// A refusal (400: the query), or no answer.
    pub async fn exports(&self, token: &Secret, query: &str) -> Result<ExportList> {
        self.json(self.with(token, Method::GET, &format!("{}{query}", routes::EXPORTS))).await
    }

    /// One of the caller's exports.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's), or no answer.
    pub async fn export(&self, token: &Secret, id: ExportId) -> Result<Export> {
        self.json(self.with(token, Method::GET, &at(routes::EXPORT, id))).await
    }

    /// The document of an export. It may be large: whoever saves it rather streams
    /// [`routes::EXPORT_DOWNLOAD`](crate::routes::EXPORT_DOWNLOAD).
    ///
    /// # Errors
    /// A refusal (403: log in anew first, 404: not one of the caller's, 409: not ready),
    /// or no answer.
    pub async fn download_export(&self, token: &Secret, id: ExportId) -> Result<ExportDocument> {
        self.json(self.with(token, Method::GET, &at(routes::EXPORT_DOWNLOAD, id))).await
    }

    /// The document of the latest export that is ready.
    ///
    /// # Errors
    /// A refusal (403: log in anew first, 404: none is ready), or no answer.
    pub async fn latest_export(&self, token: &Secret) -> Result<ExportDocument> {
        self.json(self.with(token, Method::GET, routes::LATEST_EXPORT)).await
    }

    /// Deletes an export; one that is being gathered is given up.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's), or no answer.
    pub async fn delete_export(&self, token: &Secret, id: ExportId) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &at(routes::EXPORT, id))).await
    }
}
