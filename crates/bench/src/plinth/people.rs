//! People of a Plinth that is measured.

use contract_auth::{Login, Registration, Secret, Tokens};
use ids::{OrgId, UserId};
use reqwest::RequestBuilder;

use super::{Plinth, Wire, send};

/// What everybody types as their password.
pub(crate) const PERSONS_PASSWORD: &str = "four words that nobody else uses";

/// Somebody who has registered and logged in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) tokens: Tokens,
    /// Where they are.
    address: String,
}

impl Person {
    pub(crate) fn token(&self) -> &Secret {
        &self.tokens.access_token
    }

    /// A connection on which they log in, from where they always are.
    pub(crate) async fn login(&self, gateway: &str) -> anyhow::Result<Wire> {
        let body = serde_json::to_string(&credentials(&self.email))?;
        Wire::post(gateway, LOGIN, &format!("{FORWARDED_FOR}: {}", self.address), &body).await
    }
}

/// So many new people.
pub(crate) async fn arrive(plinth: &Plinth, count: usize) -> anyhow::Result<Vec<Person>> {
    let http = plinth.http();
    let mut people = Vec::new();
    for _ in 0..count {
        let (email, address) = (format!("{}@example.com", UserId::generate()), address());
        let registration =
            Registration { email: email.clone(), password: PERSONS_PASSWORD.into(), name: None };
        let register = http.post(format!("{}/api/v1/auth/register", plinth.url()));
        send(register.header(FORWARDED_FOR, &address).json(&registration), 202).await?;
        let tokens = send(login(http, &plinth.url(), &email, &address), 200).await?;
        people.push(Person { email, tokens: serde_json::from_str(&tokens)?, address });
    }
    Ok(people)
}

fn login(http: &reqwest::Client, gateway: &str, email: &str, address: &str) -> RequestBuilder {
    http.post(format!("{gateway}{LOGIN}")).header(FORWARDED_FOR, address).json(&credentials(email))
}

const LOGIN: &str = "/api/v1/auth/login";

fn credentials(email: &str) -> Login {
    Login { email: email.to_owned(), password: PERSONS_PASSWORD.into() }
}

const FORWARDED_FOR: &str = "x-forwarded-for";

/// As if it came from an address of its own: what is counted by address is not what is
/// measured.
pub(crate) fn forwarded(request: RequestBuilder) -> RequestBuilder {
    request.header(FORWARDED_FOR, address())
}

/// Nobody else's address.
fn address() -> String {
    let random = OrgId::generate().uuid().into_bytes();
    let [a, b, c] = [13, 14, 15].map(|at| random[at]);
    format!("10.{a}.{b}.{c}")
}
