use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use crate::Keep;

/// A request to a URL that a user gave.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) patience: Duration,
    pub(crate) keep: Keep,
    pub(crate) redirects: u8,
}

impl Call {
    /// Without a body, within 15 seconds for all of it; 64 KiB of an answer are kept, and no
    /// redirect is followed.
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            patience: Duration::from_secs(15),
            keep: Keep::First(64 * 1024),
            redirects: 0,
        }
    }

    /// A POST of these bytes.
    #[must_use]
    pub fn post(url: Url, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Method::POST, url) }
    }

    /// With this header, in place of one of that name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With these headers besides.
    #[must_use]
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// How long it may take, from looking its name up to the last byte of the answer.
    #[must_use]
    pub const fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How much of an answer is wanted.
    #[must_use]
    pub const fn keeping(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// Follows so many redirects of a GET or HEAD, each of which is looked at as the URL itself.
    #[must_use]
    pub const fn following(mut self, redirects: u8) -> Self {
        self.redirects = redirects;
        self
    }
}
