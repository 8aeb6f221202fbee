//! What Plinth is asked that hashes nothing.

use std::{cell::RefCell, time::Duration};

use contract_auth::{NewApiKeyText, Secret, Tokens, grant_type, token_type};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use identity::{Claims, GATEWAY_ISSUER, SigningKey};
use reqwest::RequestBuilder;
use serde_json::json;
use service_discovery::Service;

use crate::plinth::{KEY, Load, Meter, PASSWORD, Person, Plinth, drive, send};

/// A way of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Me,
    Sessions,
    Refresh,
    MeByKey,
    KeyAlone,
    KeyExchange,
    TokenExchange,
    Preferences,
    PreferencesByKey,
    ChangePreferences,
}

pub(super) const ALL: [Path; 10] = [
    Path::Me,
    Path::Sessions,
    Path::Refresh,
    Path::MeByKey,
    Path::KeyAlone,
    Path::KeyExchange,
    Path::TokenExchange,
    Path::Preferences,
    Path::PreferencesByKey,
    Path::ChangePreferences,
];

impl Path {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Me => "GET /me by token",
            Self::Sessions => "GET /sessions by token",
            Self::Refresh => "refresh",
            Self::MeByKey => "GET /me by API key",
            Self::KeyAlone => "API key checked, scope missing",
            Self::KeyExchange => "API key exchanged, not cached",
            Self::TokenExchange => "token exchanged for a service",
            Self::Preferences => "GET prefs by token",
            Self::PreferencesByKey => "GET prefs by API key",
            Self::ChangePreferences => "PATCH prefs",
        }
    }

    /// How many statements it may send.
    pub(super) const fn statements(self) -> Option<f64> {
        match self {
            Self::KeyAlone => Some(0.0),
            Self::Preferences | Self::PreferencesByKey => Some(1.0),
            _ => None,
        }
    }
}

/// People with all that they ask with.
pub(super) struct Paths {
    http: reqwest::Client,
    gateway: String,
    exchange: String,
    people: Vec<Person>,
    keys: Vec<Secret>,
    /// Keys that may read no preferences.
    powerless: Vec<Secret>,
    /// Each one's, spent with each use.
    refresh_tokens: RefCell<Vec<Secret>>,
    /// As the gateway mints them for prefs.
    inward: Vec<String>,
    /// What each one changed last, so that each change changes something.
    themes: RefCell<Vec<bool>>,
}

impl Paths {
    pub(super) async fn open(plinth: &Plinth, people: Vec<Person>) -> anyhow::Result<Self> {
        let (mut keys, mut powerless) = (Vec::new(), Vec::new());
        for person in &people {
            keys.push(key(plinth, person, &["auth:read", "prefs:read"]).await?);
            powerless.push(key(plinth, person, &["orders:read"]).await?);
        }
        let inward = people.iter().map(|person| inward(person.token().expose())).collect::<Result<_, _>>()?;
        let refresh_tokens = people.iter().map(|person| person.tokens.refresh_token.clone()).collect();
        Ok(Self {
            http: plinth.http().clone(),
            gateway: plinth.url(),
            exchange: format!("{}/internal/v1/auth/token", plinth.internal(Service::Auth)),
            themes: RefCell::new(vec![false; people.len()]),
            refresh_tokens: RefCell::new(refresh_tokens),
            people,
            keys,
            powerless,
            inward,
        })
    }

    /// All clients ask in one way.
    pub(super) async fn ask(
        &self,
        path: Path,
        meter: &Meter,
        clients: usize,
        span: Duration,
    ) -> anyhow::Result<Load> {
        drive(meter, clients, span, async |client| self.once(path, client).await).await
    }

    async fn once(&self, path: Path, client: usize) -> anyhow::Result<()> {
        let token = self.people[client].token().expose();
        let key = self.keys[client].expose();
        let get = |path: &str| self.http.get(format!("{}{path}", self.gateway));
        let (request, status) = match path {
            Path::Me => (get("/api/v1/auth/me").bearer_auth(token), 200),
            Path::Sessions => (get("/api/v1/auth/sessions").bearer_auth(token), 200),
            Path::Refresh => return self.refresh(client).await,
            Path::MeByKey => (get("/api/v1/auth/me").bearer_auth(key), 200),
            Path::KeyAlone => (get(APPEARANCE).bearer_auth(self.powerless[client].expose()), 403),
            Path::KeyExchange => (self.exchange("gateway", "plinth", key, token_type::API_KEY), 200),
            Path::TokenExchange => {
                (self.exchange("prefs", "auth", &self.inward[client], token_type::ACCESS_TOKEN), 200)
            }
            Path::Preferences => (get(APPEARANCE).bearer_auth(token), 200),
            Path::PreferencesByKey => (get(APPEARANCE).bearer_auth(key), 200),
            Path::ChangePreferences => (self.change(client), 200),
        };
        send(request, status).await.map(drop)
    }

    async fn refresh(&self, client: usize) -> anyhow::Result<()> {
        let refresh_token = self.refresh_tokens.borrow()[client].clone();
        let request = self.http.post(format!("{}/api/v1/auth/refresh", self.gateway));
        let reply = send(request.json(&json!({ "refresh_token": refresh_token.expose() })), 200).await?;
        let next: Tokens = serde_json::from_str(&reply)?;
        self.refresh_tokens.borrow_mut()[client] = next.refresh_token;
        Ok(())
    }

    fn exchange(&self, client: &str, audience: &str, subject: &str, kind: &str) -> RequestBuilder {
        self.http.post(&self.exchange).basic_auth(client, Some(PASSWORD)).form(&[
            ("grant_type", grant_type::TOKEN_EXCHANGE),
            ("audience", audience),
            ("subject_token", subject),
            ("subject_token_type", kind),
        ])
    }

    fn change(&self, client: usize) -> RequestBuilder {
        let mut themes = self.themes.borrow_mut();
        themes[client] = !themes[client];
        let patch = json!({ "theme": if themes[client] { "dark" } else { "light" } });
        self.http
            .patch(format!("{}{APPEARANCE}", self.gateway))
            .bearer_auth(self.people[client].token().expose())
            .header("if-match", "*")
            .header("content-type", "application/merge-patch+json")
            .body(patch.to_string())
    }
}

const APPEARANCE: &str = "/api/v1/prefs/appearance";

async fn key(plinth: &Plinth, person: &Person, scopes: &[&str]) -> anyhow::Result<Secret> {
    let request = plinth.http().post(format!("{}/api/v1/auth/api-keys", plinth.url()));
    let new = json!({ "name": "a key", "scopes": scopes });
    let made = send(request.bearer_auth(person.token().expose()).json(&new), 201).await?;
    Ok(serde_json::from_str::<NewApiKeyText>(&made)?.key)
}

/// What the gateway makes of a token for prefs, good for an hour: it has the key that the
/// gateway was given.
fn inward(token: &str) -> anyhow::Result<String> {
    let said = token.split('.').nth(1).unwrap_or_default();
    let claims: Claims = serde_json::from_slice(&BASE64URL_NOPAD.decode(said.as_bytes())?)?;
    let seed = BASE64.decode(KEY.as_bytes())?;
    let seed: [u8; 32] = seed.try_into().map_err(|_length| anyhow::anyhow!("a seed has 32 bytes"))?;
    let (iss, aud) = (GATEWAY_ISSUER.to_owned(), Service::Prefs.name().to_owned());
    Ok(SigningKey::from_seed(&seed)?.sign(&Claims { iss, aud, exp: claims.iat + 3600, ..claims })?)
}
