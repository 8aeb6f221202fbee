mod api_keys;
mod exports;
mod grants;
mod organizations;
mod second_factor;
mod users;

use ids::{MailId, SessionId};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use service_discovery::{CallError, Peer, Service};

use crate::{
    Accepted, Account, AccountChange, Grant, IssuedToken, Login, LoginReply, Mail, PasswordChange, Refresh,
    Registration, ScheduledDeletion, Secret, SessionList, TokenRequest, Tokens,
};

/// The paths of auth, as its OpenAPI document writes them.
pub mod routes {
    #![expect(missing_docs, reason = "each is the path it holds")]
    pub use super::{exports::routes::*, organizations::routes::*};
    pub const REGISTER: &str = "/api/v1/auth/register";
    pub const LOGIN: &str = "/api/v1/auth/login";
    pub const REFRESH: &str = "/api/v1/auth/refresh";
    pub const LOGOUT: &str = "/api/v1/auth/logout";
    pub const ME: &str = "/api/v1/auth/me";
    pub const ME_RESTORE: &str = "/api/v1/auth/me/restore";
    pub const VERIFY_EMAIL: &str = "/api/v1/auth/verify-email";
    pub const VERIFY_EMAIL_RESEND: &str = "/api/v1/auth/verify-email/resend";
    pub const EMAIL_CHANGE: &str = "/api/v1/auth/email/change";
    pub const EMAIL_CONFIRM: &str = "/api/v1/auth/email/confirm";
    pub const PASSWORD_CHANGE: &str = "/api/v1/auth/password/change";
    pub const PASSWORD_FORGOT: &str = "/api/v1/auth/password/forgot";
    pub const PASSWORD_RESET: &str = "/api/v1/auth/password/reset";
    pub const MAGIC_LINK: &str = "/api/v1/auth/magic-link";
    pub const MAGIC_LINK_VERIFY: &str = "/api/v1/auth/magic-link/verify";
    pub const WS_TICKET: &str = "/api/v1/auth/ws-ticket";
    pub const SESSIONS: &str = "/api/v1/auth/sessions";
    pub const SESSION: &str = "/api/v1/auth/sessions/{id}";
    pub const STEP_UP: &str = "/api/v1/auth/step-up";
    pub const MFA: &str = "/api/v1/auth/mfa";
    pub const MFA_VERIFY: &str = "/api/v1/auth/mfa/verify";
    pub const TOTP_ENROLL: &str = "/api/v1/auth/mfa/totp/enroll";
    pub const TOTP_CONFIRM: &str = "/api/v1/auth/mfa/totp/confirm";
    pub const TOTP_DISABLE: &str = "/api/v1/auth/mfa/totp/disable";
    pub const RECOVERY_CODES: &str = "/api/v1/auth/mfa/recovery-codes";
    pub const UNLOCK: &str = "/api/v1/admin/users/{id}/unlock";
    pub const API_KEYS: &str = "/api/v1/auth/api-keys";
    pub const API_KEY: &str = "/api/v1/auth/api-keys/{id}";
    pub const API_KEY_ROTATE: &str = "/api/v1/auth/api-keys/{id}/rotate";
    pub const GRANTS: &str = "/api/v1/auth/grants";
    pub const GRANT: &str = "/api/v1/auth/grants/{id}";
    pub const USERS: &str = "/api/v1/admin/users";
    pub const USER: &str = "/api/v1/admin/users/{id}";
    pub const SIGN_OUT: &str = "/api/v1/admin/users/{id}/sign-out";
    pub const IMPERSONATE: &str = "/api/v1/admin/users/{id}/impersonate";
    pub const IMPERSONATION_RENEW: &str = "/api/v1/auth/impersonation/renew";
    pub const IMPERSONATION_END: &str = "/api/v1/auth/impersonation/end";
    pub const BAN: &str = "/api/v1/admin/users/{id}/ban";
    pub const UNBAN: &str = "/api/v1/admin/users/{id}/unban";
    pub const USER_ROLES: &str = "/api/v1/admin/users/{id}/roles";
    pub const JWKS: &str = "/.well-known/jwks.json";
    pub const DISCOVERY: &str = "/.well-known/openid-configuration";
    pub const INTERNAL_GRANTS: &str = "/internal/v1/auth/grants";
    pub const INTERNAL_GRANT: &str = "/internal/v1/auth/grants/{id}";
    pub const TOKEN: &str = "/internal/v1/auth/token";
    pub const MAIL: &str = "/internal/v1/auth/mails/{id}";

    /// The public operations that make a credential or are for everybody: whoever sends
    /// one along, stale perhaps, must not fail there, so the gateway does not look at it.
    pub const OPEN: &[&str] = &[
        REGISTER,
        LOGIN,
        REFRESH,
        MFA_VERIFY,
        VERIFY_EMAIL,
        EMAIL_CONFIRM,
        PASSWORD_FORGOT,
        PASSWORD_RESET,
        MAGIC_LINK,
        MAGIC_LINK_VERIFY,
        JWKS,
        DISCOVERY,
    ];
}

/// Calls auth. Each method is one operation; the tokens are the caller's.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) peer: Peer,
}

pub(crate) type Result<T> = std::result::Result<T, CallError>;

impl Client {
    /// For the auth that `peer` reaches: its public listener (or the gateway) for
    /// everything but [`Client::token`], which is on the internal one.
    #[must_use]
    pub const fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// Asks for an account.
    ///
    /// # Errors
    /// A refusal (422: the address or the password), or no answer.
    pub async fn register(&self, registration: &Registration) -> Result<Accepted> {
        self.json(self.peer.request(Method::POST, routes::REGISTER).json(registration)).await
    }

    /// Logs in, or as far as the second factor.
    ///
    /// # Errors
    /// A refusal (401: the address or the password), or no answer.
    pub async fn login(&self, login: &Login) -> Result<LoginReply> {
        self.json(self.peer.request(Method::POST, routes::LOGIN).json(login)).await
    }

    /// Gives the next pair of tokens.
    ///
    /// # Errors
    /// A refusal (401: the session is over), or no answer.
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<Tokens> {
        let body = Refresh { refresh_token: refresh_token.clone() };
        self.json(self.peer.request(Method::POST, routes::REFRESH).json(&body)).await
    }

    /// Ends the session of `token`.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn logout(&self, token: &Secret) -> Result<()> {
        self.done(self.with(token, Method::POST, routes::LOGOUT)).await
    }

    /// The caller's account.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn me(&self, token: &Secret) -> Result<Account> {
        self.json(self.with(token, Method::GET, routes::ME)).await
    }

    /// Changes the caller's account.
    ///
    /// # Errors
    /// A refusal (422: a field), or no answer.
    pub async fn change_me(&self, token: &Secret, change: &AccountChange) -> Result<Account> {
        self.json(self.with(token, Method::PATCH, routes::ME).json(change)).await
    }

    /// Has the caller's account deleted, with all that hangs on it: when that will be, or
    /// nothing if it is done.
    ///
    /// # Errors
    /// A refusal (403: log in anew first), or no answer.
    pub async fn delete_me(&self, token: &Secret) -> Result<Option<ScheduledDeletion>> {
        let response = self.peer.send(self.with(token, Method::DELETE, routes::ME)).await?;
        let status = response.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        let body = response.bytes().await.map_err(CallError::Transport)?;
        let unreadable = |source| CallError::Unreadable { status: status.as_u16(), source: Some(source) };
        serde_json::from_slice(&body).map(Some).map_err(unreadable)
    }

    /// Keeps the caller's account, whose deletion waits. The token is void then: a refresh
    /// brings one that may do what it did before.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn restore_me(&self, token: &Secret) -> Result<()> {
        self.done(self.with(token, Method::POST, routes::ME_RESTORE)).await
    }

    /// Replaces the caller's password; every other token is void from then on.
    ///
    /// # Errors
    /// A refusal (422: a password), or no answer.
    pub async fn change_password(&self, token: &Secret, change: &PasswordChange) -> Result<Tokens> {
        self.json(self.with(token, Method::POST, routes::PASSWORD_CHANGE).json(change)).await
    }

    /// A page of the caller's sessions; `query` as in `?limit=10&cursor=…`, or empty.
    ///
    /// # Errors
    /// A refusal (400: the query), or no answer.
    pub async fn sessions(&self, token: &Secret, query: &str) -> Result<SessionList> {
        self.json(self.with(token, Method::GET, &format!("{}{query}", routes::SESSIONS))).await
    }

    /// Ends one of the caller's sessions.
    ///
    /// # Errors
    /// A refusal (404: not one of the caller's), or no answer.
    pub async fn end_session(&self, token: &Secret, id: SessionId) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &at(routes::SESSION, id))).await
    }

    /// Ends all of the caller's sessions but the one of `token`.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn end_other_sessions(&self, token: &Secret) -> Result<()> {
        self.done(self.with(token, Method::DELETE, routes::SESSIONS)).await
    }

    /// A token for the service `own`, which proves itself by `secret`.
    ///
    /// # Errors
    /// A refusal (401 `invalid_client`, 400 `invalid_grant`), or no answer.
    pub async fn token(&self, own: Service, secret: &SecretString, grant: Grant) -> Result<IssuedToken> {
        let request = self.peer.request(Method::POST, routes::TOKEN);
        let request = request.basic_auth(own.name(), Some(secret.expose_secret()));
        self.json(request.form(&TokenRequest::from(grant))).await
    }

    /// The mail of a `mail.requested` event, for the mail service: `token` is its own.
    ///
    /// # Errors
    /// A refusal (404: there is no such mail any more), or no answer.
    pub async fn mail(&self, token: &Secret, id: MailId) -> Result<Mail> {
        self.json(self.with(token, Method::GET, &at(routes::MAIL, id))).await
    }

    pub(crate) fn with(&self, token: &Secret, method: Method, path: &str) -> RequestBuilder {
        self.peer.request(method, path).bearer_auth(token.expose())
    }

    pub(crate) async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        self.peer.json(request).await
    }

    async fn done(&self, request: RequestBuilder) -> Result<()> {
        self.peer.send(request).await.map(drop)
    }
}

/// The path of one thing.
fn at(template: &str, id: impl ToString) -> String {
    template.replace("{id}", &id.to_string())
}
