//! The methods for flags, segments, environments and experiments.

use reqwest::{
    Method, RequestBuilder, StatusCode,
    header::{ETAG, IF_MATCH, IF_NONE_MATCH},
};
use serde::{Serialize, de::DeserializeOwned};
use service_discovery::CallError;

use super::{Client, Tagged, Writing, read};
use crate::{
    BulkEvaluation, Conversion, Evaluation, EvaluationRequest, Experiment, ExperimentId, ExperimentPage,
    ExperimentResults, Exposure, FLAGS_ENVIRONMENT, Flag, FlagDefinition, FlagEnvironment, FlagEnvironments,
    FlagHistory, FlagKey, FlagPage, FlagRestore, NewExperiment, NewFlagEnvironment, NewSegment, Segment,
    SegmentPage, routes,
};

impl Client {
    /// A page of the flags, oldest first; with `archived` of those that were archived.
    /// `limit` is from 1 to 100.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn flags(
        &self,
        token: &str,
        archived: bool,
        limit: u8,
        cursor: Option<&str>,
    ) -> Result<FlagPage, CallError> {
        let request = self.listed(routes::FLAGS, token, limit, cursor).query(&[("archived", archived)]);
        self.peer.json(request).await
    }

    /// Makes a flag.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn create_flag(&self, token: &str, new: &FlagDefinition) -> Result<Tagged<Flag>, CallError> {
        self.tagged(self.request(Method::POST, routes::FLAGS, token).json(new)).await
    }

    /// One flag, archived or not.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn flag(&self, token: &str, key: &FlagKey) -> Result<Tagged<Flag>, CallError> {
        self.tagged(self.request(Method::GET, &named(routes::FLAG, key), token)).await
    }

    /// Replaces a flag.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn replace_flag(
        &self,
        token: &str,
        key: &FlagKey,
        etag: &str,
        new: &FlagDefinition,
    ) -> Result<Tagged<Flag>, CallError> {
        let request = self.request(Method::PUT, &named(routes::FLAG, key), token);
        self.tagged(request.header(IF_MATCH, etag).json(new)).await
    }

    /// Archives a flag.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn archive_flag(
        &self,
        token: &str,
        key: &FlagKey,
        etag: &str,
    ) -> Result<Tagged<Flag>, CallError> {
        let request = self.request(Method::DELETE, &named(routes::FLAG, key), token);
        self.tagged(request.header(IF_MATCH, etag)).await
    }

    /// The versions of a flag, newest first.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn flag_history(&self, token: &str, key: &FlagKey) -> Result<FlagHistory, CallError> {
        self.peer.json(self.request(Method::GET, &named(routes::FLAG_HISTORY, key), token)).await
    }

    /// Brings an earlier version of a flag back.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn restore_flag(
        &self,
        token: &str,
        key: &FlagKey,
        version: i64,
    ) -> Result<Tagged<Flag>, CallError> {
        let request = self.request(Method::POST, &named(routes::RESTORE_FLAG, key), token);
        self.tagged(request.json(&FlagRestore { version })).await
    }

    /// Tells that somebody saw a variant.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn tell_exposure(
        &self,
        token: &str,
        key: &FlagKey,
        exposure: &Exposure,
    ) -> Result<(), CallError> {
        let request = self.request(Method::POST, &named(routes::FLAG_EXPOSURES, key), token);
        self.peer.send(request.json(exposure)).await.map(drop)
    }

    /// A page of the segments, oldest first. `limit` is from 1 to 100.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn segments(
        &self,
        token: &str,
        limit: u8,
        cursor: Option<&str>,
    ) -> Result<SegmentPage, CallError> {
        self.peer.json(self.listed(routes::SEGMENTS, token, limit, cursor)).await
    }

    /// One segment.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn segment(&self, token: &str, key: &FlagKey) -> Result<Tagged<Segment>, CallError> {
        self.tagged(self.request(Method::GET, &named(routes::SEGMENT, key), token)).await
    }

    /// Makes a segment, or replaces one.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn put_segment(
        &self,
        token: &str,
        key: &FlagKey,
        writing: Writing<'_>,
        new: &NewSegment,
    ) -> Result<Tagged<Segment>, CallError> {
        let request = self.request(Method::PUT, &named(routes::SEGMENT, key), token).json(new);
        let request = match writing {
            Writing::New => request.header(IF_NONE_MATCH, "*"),
            Writing::Over(etag) => request.header(IF_MATCH, etag),
        };
        self.tagged(request).await
    }

    /// Deletes a segment that no flag names.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn delete_segment(&self, token: &str, key: &FlagKey, etag: &str) -> Result<(), CallError> {
        let request = self.request(Method::DELETE, &named(routes::SEGMENT, key), token);
        self.peer.send(request.header(IF_MATCH, etag)).await.map(drop)
    }

    /// The environments.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn flag_environments(&self, token: &str) -> Result<FlagEnvironments, CallError> {
        self.peer.json(self.request(Method::GET, routes::ENVIRONMENTS, token)).await
    }

    /// Adds an environment.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn create_flag_environment(
        &self,
        token: &str,
        key: &FlagKey,
    ) -> Result<FlagEnvironment, CallError> {
        let new = NewFlagEnvironment { key: key.clone() };
        self.peer.json(self.request(Method::POST, routes::ENVIRONMENTS, token).json(&new)).await
    }

    /// Deletes an environment that nothing names.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn delete_flag_environment(&self, token: &str, key: &FlagKey) -> Result<(), CallError> {
        let request = self.request(Method::DELETE, &named(routes::ENVIRONMENT, key), token);
        self.peer.send(request).await.map(drop)
    }

    /// A page of the experiments, oldest first. `limit` is from 1 to 100.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn experiments(
        &self,
        token: &str,
        limit: u8,
        cursor: Option<&str>,
    ) -> Result<ExperimentPage, CallError> {
        self.peer.json(self.listed(routes::EXPERIMENTS, token, limit, cursor)).await
    }

    /// Plans an experiment.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn create_experiment(&self, token: &str, new: &NewExperiment) -> Result<Experiment, CallError> {
        self.peer.json(self.request(Method::POST, routes::EXPERIMENTS, token).json(new)).await
    }

    /// One experiment.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn experiment(&self, token: &str, id: ExperimentId) -> Result<Experiment, CallError> {
        self.of_experiment(Method::GET, routes::EXPERIMENT, token, id).await
    }

    /// Starts an experiment.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn start_experiment(&self, token: &str, id: ExperimentId) -> Result<Experiment, CallError> {
        self.of_experiment(Method::POST, routes::START_EXPERIMENT, token, id).await
    }

    /// Stops an experiment.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn stop_experiment(&self, token: &str, id: ExperimentId) -> Result<Experiment, CallError> {
        self.of_experiment(Method::POST, routes::STOP_EXPERIMENT, token, id).await
    }

    /// Tells that somebody did what an experiment counts.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn tell_conversion(
        &self,
        token: &str,
        id: ExperimentId,
        conversion: &Conversion,
    ) -> Result<(), CallError> {
        let path = routes::CONVERSIONS.replace("{id}", &id.to_string());
        self.peer.send(self.request(Method::POST, &path, token).json(conversion)).await.map(drop)
    }

    /// What an experiment found so far.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send).
    pub async fn experiment_results(
        &self,
        token: &str,
        id: ExperimentId,
    ) -> Result<ExperimentResults, CallError> {
        self.of_experiment(Method::GET, routes::RESULTS, token, id).await
    }

    /// The value of one flag (OFREP).
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send). What OFREP refuses in its own words is
    /// [`CallError::Unreadable`] with its status.
    pub async fn evaluate(
        &self,
        token: &str,
        environment: &str,
        key: &FlagKey,
        asked: &EvaluationRequest,
    ) -> Result<Evaluation, CallError> {
        let request = self.request(Method::POST, &named(routes::EVALUATE_FLAG, key), token);
        self.peer.json(asking(request, environment, asked)).await
    }

    /// The values of all flags (OFREP), or `None` when they still have the ETag `known`.
    ///
    /// # Errors
    /// As [`Peer::send`](service_discovery::Peer::send). What OFREP refuses in its own words is
    /// [`CallError::Unreadable`] with its status.
    pub async fn evaluate_all(
        &self,
        token: &str,
        environment: &str,
        asked: &EvaluationRequest,
        known: Option<&str>,
    ) -> Result<Option<Tagged<BulkEvaluation>>, CallError> {
        let request = asking(self.request(Method::POST, routes::EVALUATE_FLAGS, token), environment, asked);
        let request = known.into_iter().fold(request, |request, etag| request.header(IF_NONE_MATCH, etag));
        let response = self.peer.send(request).await?;
        match response.status() {
            StatusCode::NOT_MODIFIED if response.headers().contains_key(ETAG) => Ok(None),
            _ => read(response).await.map(Some),
        }
    }

    fn listed(&self, path: &str, token: &str, limit: u8, cursor: Option<&str>) -> RequestBuilder {
        let request = self.request(Method::GET, path, token);
        request.query(&[("limit", limit)]).query(&[("cursor", cursor)])
    }

    async fn of_experiment<T: DeserializeOwned>(
        &self,
        method: Method,
        route: &str,
        token: &str,
        id: ExperimentId,
    ) -> Result<T, CallError> {
        self.peer.json(self.request(method, &route.replace("{id}", &id.to_string()), token)).await
    }
}

fn named(route: &str, key: &FlagKey) -> String {
    route.replace("{key}", key.as_str())
}

fn asking<T: Serialize>(request: RequestBuilder, environment: &str, asked: &T) -> RequestBuilder {
    request.header(FLAGS_ENVIRONMENT, environment).json(asked)
}
