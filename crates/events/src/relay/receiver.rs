use contract_events::{Batch, Envelope, Received};
use reqwest::Method;
use service_discovery::{CallError, Peer, Service};

use crate::{NoToken, Tokens};

/// Where a subscriber takes events.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) service: Service,
    pub(super) path: String,
    pub(super) peer: Peer,
    pub(super) tokens: Tokens,
}

/// Why events were not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum PushError {
    #[error("there is no token for it: {0}")]
    Token(NoToken),
    #[error("{}", told(.0))]
    Call(#[from] CallError),
}

impl Receiver {
    /// Gives it `events`; when this succeeds, it has committed them.
    pub(super) async fn push(&self, events: Vec<Envelope>) -> Result<Received, PushError> {
        let token = self.tokens.token(self.service).await.map_err(PushError::Token)?;
        let request = self.peer.request(Method::POST, &self.path).bearer_auth(token.expose());
        let outcome = self.peer.json(request.json(&Batch { events })).await;
        if let Err(CallError::Refused(problem)) = &outcome
            && problem.status == 401
        {
            self.tokens.forget(self.service);
        }
        Ok(outcome?)
    }
}

/// An error with its causes.
fn told(error: &CallError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}
