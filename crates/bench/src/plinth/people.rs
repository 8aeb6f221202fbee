//! People of a Plinth that is measured.

use contract_auth::{Login, Registration, Secret, Tokens};
use ids::{OrgId, UserId};
use reqwest::RequestBuilder;

use super::{Plinth, send};

/// What everybody types as their password.
pub(crate) const PERSONS_PASSWORD: &str = "four words that nobody else uses";

/// Somebody who has registered and logged in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) tokens: Tokens,
}

impl Person {
    pub(crate) fn token(&self) -> &Secret {
        &self.tokens.access_token
    }

    /// What they log in with.
    pub(crate) fn login(&self) -> Login {
        Login { email: self.email.clone(), password: PERSONS_PASSWORD.into() }
    }
}

/// So many new people.
pub(crate) async fn arrive(plinth: &Plinth, count: usize) -> anyhow::Result<Vec<Person>> {
    let http = plinth.http();
    let mut people = Vec::new();
    for _ in 0..count {
        let email = format!("{}@example.com", UserId::generate());
        let registration =
            Registration { email: email.clone(), password: PERSONS_PASSWORD.into(), name: None };
        let post = |path: &str| forwarded(http.post(format!("{}/api/v1/auth/{path}", plinth.url())));
        send(post("register").json(&registration), 202).await?;
        let login = Login { email: email.clone(), password: PERSONS_PASSWORD.into() };
        let tokens: Tokens = serde_json::from_str(&send(post("login").json(&login), 200).await?)?;
        people.push(Person { email, tokens });
    }
    Ok(people)
}

/// As if it came from an address of its own: what is counted by address is not what is
/// measured.
pub(crate) fn forwarded(request: RequestBuilder) -> RequestBuilder {
    let random = OrgId::generate().uuid().into_bytes();
    let [a, b, c] = [13, 14, 15].map(|at| random[at]);
    request.header("x-forwarded-for", format!("10.{a}.{b}.{c}"))
}
