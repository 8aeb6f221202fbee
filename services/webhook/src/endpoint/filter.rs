//! Which of the events of its types an endpoint gets: those whose payload fits its JSON Schema.

use std::sync::LazyLock;

use contract_webhook::EndpointId;
use schemas::{Cache, Validator};
use serde_json::Value;

/// The compiled filters of endpoints; the newest revision of each.
static FILTERS: LazyLock<Cache<EndpointId, Validator>> = LazyLock::new(Cache::default);

/// Whether a payload fits. A filter that cannot be used lets all pass: too much is less harm than nothing.
pub(crate) fn lets_pass(endpoint: EndpointId, revision: i64, filter: &Value, payload: &Value) -> bool {
    let compiled = FILTERS.get(&endpoint, revision).or_else(|| match Validator::compile(filter) {
        Ok(compiled) => Some(FILTERS.put(&endpoint, revision, compiled)),
        Err(why) => {
            tracing::error!(%endpoint, ?why, "a stored filter does not compile");
            None
        }
    });
    compiled.is_none_or(|filter| filter.fits(payload))
}
