use std::future::Future;

tokio::task_local! {
    static CURRENT: Context;
}

/// What a call to another service takes along from the request that caused it.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// `X-Request-Id`: names the request in the logs of every service.
    pub request_id: Option<String>,
    /// `traceparent` ([W3C Trace Context](https://www.w3.org/TR/trace-context/)).
    pub traceparent: Option<String>,
}

impl Context {
    /// Runs `work` so that the calls it makes carry this context.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The context of the request that is being served; empty outside one.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }
}
