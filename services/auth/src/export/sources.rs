//! Where what is held about a person comes from: auth's own database, and the other services
//! on their internal listeners.

use std::sync::Arc;

use contract_auth::{PersonalDataQuery, personal_data_path};
use ids::UserId;
use reqwest::{Method, Response};
use sealing::Keyring;
use serde::Deserialize;
use serde_json::value::RawValue;
use service_discovery::{CallError, Peer, PeerOptions, Service};
use service_kit::db::{self, Db};

use crate::{
    Settings, personal_data,
    token::{IssueError, TokenIssuer},
};

/// Whom to ask, and what keeps the answers.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(super) db: Db,
    pub(super) keyring: Arc<Keyring>,
    issuer: TokenIssuer,
    others: Arc<[(Service, Peer)]>,
}

/// Why a service's part is not there. What the service said is not in it: it is about a person,
/// and this is kept with the job.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("a token for {0} could not be made")]
    Token(Service, #[source] IssueError),
    #[error("{0} does not tell what it holds")]
    Silent(Service, #[source] CallError),
    #[error("{0} broke off in the middle")]
    BrokenOff(Service, #[source] reqwest::Error),
    #[error("what {0} tells is not as the contract says, from line {1}, column {2} on")]
    Unreadable(Service, usize, usize),
    #[error("{0} holds more than fits into an export")]
    TooLarge(Service),
    #[error("the user is gone")]
    NoUser,
    #[error("the export is not wanted any more")]
    Unwanted,
    #[error("what {0} told was not read to its end")]
    Interrupted(Service, #[source] tokio::task::JoinError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Sources {
    /// auth, and the services that the settings name.
    pub(crate) fn new(settings: &Settings, db: &Db, issuer: TokenIssuer) -> Result<Self, CallError> {
        let options = PeerOptions { timeout: settings.exports.timeout, ..settings.registry.peer_options() };
        let peer =
            |service: &Service| Ok((*service, Peer::new(settings.registry.internal(*service), &options)?));
        let others = settings.exports.services.iter().map(peer).collect::<Result<_, CallError>>()?;
        Ok(Self { db: db.clone(), keyring: settings.keyring.clone(), issuer, others })
    }

    /// All that are asked, in this order.
    pub(super) fn services(&self) -> Vec<Service> {
        let others = self.others.iter().map(|(service, _)| *service);
        [Service::Auth].into_iter().chain(others).collect()
    }

    /// What `service` holds about `user`: a JSON object of sections, of `room` bytes at most.
    pub(super) async fn ask(
        &self,
        service: Service,
        user: UserId,
        room: usize,
    ) -> Result<Vec<u8>, SourceError> {
        let Some((_, peer)) = self.others.iter().find(|(other, _)| *other == service) else {
            return self.own(user, room).await;
        };
        let token = self.issuer.own(service).map_err(|why| SourceError::Token(service, why))?.token;
        let request = peer.request(Method::GET, &personal_data_path(service)).bearer_auth(token.expose());
        let answer = peer.send(request.query(&PersonalDataQuery { user_id: user })).await;
        let answer = answer.map_err(|why| SourceError::Silent(service, why))?;
        let body = read(service, answer, room).await?;
        // Some of them are large, and there is other work on this thread.
        let sections = tokio::task::spawn_blocking(move || sections(service, &body));
        sections.await.map_err(|why| SourceError::Interrupted(service, why))?
    }

    async fn own(&self, user: UserId, room: usize) -> Result<Vec<u8>, SourceError> {
        let held = personal_data::of(&mut *self.db.connection().await?, user).await?;
        let held = held.ok_or(SourceError::NoUser)?;
        let told = serde_json::to_vec(&held).map_err(|why| unreadable(Service::Auth, &why))?;
        if told.len() > room { Err(SourceError::TooLarge(Service::Auth)) } else { Ok(told) }
    }
}

/// The body of an answer, unless it is too large: then the rest is not awaited.
async fn read(service: Service, mut answer: Response, room: usize) -> Result<Vec<u8>, SourceError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|why| SourceError::BrokenOff(service, why))? {
        if body.len() + chunk.len() > room {
            return Err(SourceError::TooLarge(service));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The sections of a service's answer, as they stand in it: JSON that was read once, and is not
/// taken apart.
fn sections(service: Service, body: &[u8]) -> Result<Vec<u8>, SourceError> {
    /// As [`contract_auth::PersonalData`].
    #[derive(Deserialize)]
    struct Told<'a> {
        #[serde(borrow)]
        sections: &'a RawValue,
    }
    let Told { sections } = serde_json::from_slice(body).map_err(|why| unreadable(service, &why))?;
    let text = sections.get();
    if text.starts_with('{') { Ok(text.into()) } else { Err(SourceError::Unreadable(service, 1, 1)) }
}

fn unreadable(service: Service, why: &serde_json::Error) -> SourceError {
    SourceError::Unreadable(service, why.line(), why.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> Option<String> {
        sections(Service::Prefs, body.as_bytes()).ok().map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn sections_are_taken_as_they_stand() {
        assert_eq!(told(r#"{"sections": {"a": [1, "}"] } , "more": 1}"#).unwrap(), r#"{"a": [1, "}"] }"#);
        assert_eq!(told(r#"{"sections":{}}"#).unwrap(), "{}");
    }

    #[test]
    fn what_is_not_whole_or_no_object_is_refused_and_not_repeated() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"sections": {"a": 1}"#,
            r#"{"sections": ["a"]}"#,
            r#"{"sections": "ada@example.com"}"#,
            r#"{"sections": {a: 1}}"#,
            r#""ada@example.com""#,
            r#"{"sections": {}} {"sections": {}}"#,
            "{\"sections\": {\"a\": \"\u{1}\"}}",
        ] {
            let why = sections(Service::Prefs, body.as_bytes()).unwrap_err();
            assert!(!why.to_string().contains("ada"), "{why}");
        }
        assert!(sections(Service::Prefs, b"{\"sections\": {\"a\": \"\xff\"}}").is_err());
    }
}
