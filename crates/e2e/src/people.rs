use contract_auth::{Client as Auth, Login, NewApiKey, Registration, Secret, Tokens};
use contract_prefs::Client as Prefs;
use ids::UserId;
use service_discovery::CallError;

use crate::Plinth;

/// Somebody who has registered and logged in through the gateway.
pub struct Somebody {
    /// Their address.
    pub email: String,
    /// Their tokens.
    pub tokens: Tokens,
    /// auth, through the gateway.
    pub auth: Auth,
    /// prefs, through the gateway.
    pub prefs: Prefs,
}

/// What everybody types as their password, but for administrators.
pub const PASSWORD: &str = "four words that nobody else uses";

impl Somebody {
    /// A new person.
    #[expect(clippy::expect_used, reason = "a test without people cannot go on")]
    pub async fn arrive(plinth: &Plinth) -> Self {
        let (auth, prefs) = (Auth::new(plinth.peer()), Prefs::new(plinth.peer()));
        let email = format!("{}@example.com", UserId::generate());
        let registration = Registration { email: email.clone(), password: PASSWORD.into(), name: None };
        auth.register(&registration).await.expect("an account");
        let tokens = Self::log_in(&auth, &email).await.expect("tokens");
        Self { email, tokens, auth, prefs }
    }

    /// Somebody who administers, made by an operator.
    #[expect(clippy::expect_used, reason = "a test without an administrator cannot go on")]
    pub async fn administer(plinth: &Plinth) -> Self {
        let (auth, prefs) = (Auth::new(plinth.peer()), Prefs::new(plinth.peer()));
        let email = format!("{}@example.com", UserId::generate());
        let made = plinth.command(&["admin", "create", "--email", &email]);
        let told = String::from_utf8_lossy(&made.stdout).into_owned();
        let password = told.lines().find_map(|line| line.strip_prefix("password (shown this once): "));
        let password = password.expect("a password").into();
        let tokens = auth.login(&Login { email: email.clone(), password }).await.expect("tokens");
        let tokens = tokens.tokens().expect("no second factor");
        Self { email, tokens, auth, prefs }
    }

    /// Who they are.
    #[expect(clippy::expect_used, reason = "a test without people cannot go on")]
    pub async fn id(&self) -> UserId {
        self.auth.me(self.token()).await.expect("the account").id
    }

    /// The access token.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.tokens.access_token
    }

    /// Logs in again.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn log_in_again(&self) -> Result<Tokens, CallError> {
        Self::log_in(&self.auth, &self.email).await
    }

    /// A new API key with these scopes.
    #[expect(clippy::expect_used, reason = "a test without a key cannot go on")]
    pub async fn api_key(&self, scopes: &[&str]) -> Secret {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let new = NewApiKey { name: "a key".to_owned(), scopes, expires_at: None, rate_limit: None };
        self.auth.create_api_key(self.token(), &new).await.expect("a key").key
    }

    #[expect(clippy::expect_used, reason = "nobody here has a second factor")]
    async fn log_in(auth: &Auth, email: &str) -> Result<Tokens, CallError> {
        let login = Login { email: email.to_owned(), password: PASSWORD.into() };
        Ok(auth.login(&login).await?.tokens().expect("no second factor"))
    }
}

/// The status and code of a refusal.
#[expect(clippy::panic, reason = "a test fails by panicking")]
pub fn refused<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> (u16, String) {
    match outcome {
        Err(CallError::Refused(problem)) => (problem.status, problem.code),
        other => panic!("a refusal was expected: {other:?}"),
    }
}

/// A status and code, to compare with [`refused`].
#[must_use]
pub fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
