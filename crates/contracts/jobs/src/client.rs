use std::time::Duration;

use ids::{JobId, OrgId};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use service_discovery::{CallError, Peer, Service};

use crate::{Events, Job, JobCounts, JobDetails, JobPage, JobState, routes};

/// How long one connection for events is kept at most; credentials end sooner.
const WATCHING: Duration = Duration::from_secs(24 * 60 * 60);

/// Asks one service about its jobs. Every method takes the caller's bearer token.
///
/// Each fails as [`Peer::send`] does: with the problem that the service answered, or
/// with what kept an answer from coming.
#[derive(Clone, Debug)]
pub struct Client {
    peer: Peer,
    service: Service,
}

/// Which jobs are listed; what is absent narrows nothing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Wanted {
    /// Those in one state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// Those of one kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Those of one organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// How many at most, 1 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u8>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Client {
    /// For `service`, which answers behind `peer`.
    #[must_use]
    pub fn new(peer: Peer, service: Service) -> Self {
        Self { peer, service }
    }

    /// One job of the caller's organisation.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn job(&self, token: &str, id: JobId) -> Result<Job, CallError> {
        self.peer.json(self.request(Method::GET, routes::JOB, Some(id), token)).await
    }

    /// What happens to it, from after the event `last`; `None` when nothing follows.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn events(
        &self,
        token: &str,
        id: JobId,
        last: Option<i64>,
    ) -> Result<Option<Events>, CallError> {
        let request = self.request(Method::GET, routes::JOB_EVENTS, Some(id), token).timeout(WATCHING);
        let request = match last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        };
        let response = self.peer.send(request).await?;
        Ok((response.status() != StatusCode::NO_CONTENT).then(|| Events::new(response)))
    }

    /// Asks one of the caller's organisation to end.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn cancel(&self, token: &str, id: JobId) -> Result<Job, CallError> {
        self.peer.json(self.request(Method::POST, routes::CANCEL_JOB, Some(id), token)).await
    }

    /// A page of all jobs, the latest first.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn all(&self, token: &str, wanted: &Wanted) -> Result<JobPage, CallError> {
        self.peer.json(self.request(Method::GET, routes::ALL_JOBS, None, token).query(wanted)).await
    }

    /// How many there are.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn counts(&self, token: &str) -> Result<JobCounts, CallError> {
        self.peer.json(self.request(Method::GET, routes::JOB_COUNTS, None, token)).await
    }

    /// Any job.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn any(&self, token: &str, id: JobId) -> Result<JobDetails, CallError> {
        self.peer.json(self.request(Method::GET, routes::ANY_JOB, Some(id), token)).await
    }

    /// Puts any job back into the queue.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn retry_any(&self, token: &str, id: JobId) -> Result<JobDetails, CallError> {
        self.peer.json(self.request(Method::POST, routes::RETRY_ANY_JOB, Some(id), token)).await
    }

    /// Asks any job to end.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub async fn cancel_any(&self, token: &str, id: JobId) -> Result<JobDetails, CallError> {
        self.peer.json(self.request(Method::POST, routes::CANCEL_ANY_JOB, Some(id), token)).await
    }

    fn request(&self, method: Method, route: &str, id: Option<JobId>, token: &str) -> RequestBuilder {
        let path = routes::of(self.service, route);
        let path = id.map_or_else(|| path.clone(), |id| path.replace("{id}", &id.to_string()));
        self.peer.request(method, &path).bearer_auth(token)
    }
}
