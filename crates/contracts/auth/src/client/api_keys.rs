//! The caller's API keys.

use ids::ApiKeyId;
use reqwest::Method;

use super::{Client, Result, at, routes};
use crate::{ApiKey, ApiKeyChange, ApiKeyList, ApiKeyRotation, NewApiKey, NewApiKeyText, Secret};

impl Client {
    /// A page of the caller's API keys; `query` as in `?limit=10&cursor=…`, or empty.
    ///
    /// # Errors
    /// A refusal (400: the query), or no answer.
    pub async fn api_keys(&self, token: &Secret, query: &str) -> Result<ApiKeyList> {
        self.json(self.with(token, Method::GET, &format!("{}{query}", routes::API_KEYS))).await
    }

    /// Makes an API key; its text comes this once.
    ///
    /// # Errors
    /// A refusal (422: a scope that the caller lacks), or no answer.
    pub async fn create_api_key(&self, token: &Secret, new: &NewApiKey) -> Result<NewApiKeyText> {
        self.json(self.with(token, Method::POST, routes::API_KEYS).json(new)).await
    }

    /// Changes an API key.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's), or no answer.
    pub async fn change_api_key(
        &self,
        token: &Secret,
        id: ApiKeyId,
        change: &ApiKeyChange,
    ) -> Result<ApiKey> {
        self.json(self.with(token, Method::PATCH, &at(routes::API_KEY, id)).json(change)).await
    }

    /// Deletes an API key: it opens nothing from then on.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's), or no answer.
    pub async fn delete_api_key(&self, token: &Secret, id: ApiKeyId) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &at(routes::API_KEY, id))).await
    }

    /// Gives an API key another secret; its text comes this once.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's, 422: too long an overlap), or no answer.
    pub async fn rotate_api_key(
        &self,
        token: &Secret,
        id: ApiKeyId,
        overlap_seconds: u32,
    ) -> Result<NewApiKeyText> {
        let rotation = ApiKeyRotation { overlap_seconds };
        self.json(self.with(token, Method::POST, &at(routes::API_KEY_ROTATE, id)).json(&rotation)).await
    }
}
