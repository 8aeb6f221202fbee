use std::{collections::HashMap, rc::Rc};

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::{Done, Failure, Job, Policy, Run};

type Handler = Rc<dyn Fn(Value, Run) -> LocalBoxFuture<'static, Result<Done, Failure>>>;

/// What a worker can do: the kinds of jobs that it has handlers for.
#[derive(Clone, Default)]
pub struct Handlers {
    by_kind: HashMap<&'static str, (Policy, Handler)>,
}

impl Handlers {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind of job, whose handler gets a clone of `state`.
    #[must_use]
    pub fn with<J: Job>(mut self, state: J::State) -> Self {
        let handler = move |payload, run| -> LocalBoxFuture<'static, Result<Done, Failure>> {
            let state = state.clone();
            Box::pin(async move {
                let job = serde_json::from_value::<J>(payload).map_err(Failure::discard)?;
                job.run(run, state).await
            })
        };
        self.by_kind.insert(J::KIND, (J::POLICY, Rc::new(handler)));
        self
    }

    /// The kinds.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        self.by_kind.keys().copied().collect()
    }

    pub(crate) fn policy(&self, kind: &str) -> Policy {
        self.by_kind.get(kind).map_or(Policy::DEFAULT, |(policy, _)| *policy)
    }

    pub(crate) async fn run(&self, kind: &str, payload: Value, run: Run) -> Result<Done, Failure> {
        match self.by_kind.get(kind) {
            Some((_, handler)) => handler(payload, run).await,
            None => Err(Failure::discard(format!("this worker has no handler for {kind}"))),
        }
    }
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Handlers").field(&self.kinds()).finish()
    }
}
