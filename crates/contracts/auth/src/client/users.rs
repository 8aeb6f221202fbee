//! Users, as administrators see them.

use ids::UserId;
use reqwest::Method;

use super::{Client, Result, at, routes};
use crate::{Ban, Impersonate, Impersonation, Roles, Secret, UserChange, UserDetails, UserList, UserQuery};

impl Client {
    /// Opens an account that many attempts have locked.
    ///
    /// # Errors
    /// A refusal (404: no such user), or no answer.
    pub async fn unlock(&self, token: &Secret, user: UserId) -> Result<()> {
        self.done(self.with(token, Method::POST, &at(routes::UNLOCK, user))).await
    }

    /// A page of the users that `query` wants, for who administers.
    ///
    /// # Errors
    /// A refusal (400: the query), or no answer.
    pub async fn users(&self, token: &Secret, query: &UserQuery) -> Result<UserList> {
        self.json(self.with(token, Method::GET, routes::USERS).query(query)).await
    }

    /// All about a user, for who administers.
    ///
    /// # Errors
    /// A refusal (404: no such user), or no answer.
    pub async fn user(&self, token: &Secret, user: UserId) -> Result<UserDetails> {
        self.json(self.with(token, Method::GET, &at(routes::USER, user))).await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// A refusal (404: no such user, 422: a field), or no answer.
    pub async fn change_user(
        &self,
        token: &Secret,
        user: UserId,
        change: &UserChange,
    ) -> Result<UserDetails> {
        self.json(self.with(token, Method::PATCH, &at(routes::USER, user)).json(change)).await
    }

    /// Ends all sessions of a user and voids their tokens.
    ///
    /// # Errors
    /// A refusal (404: no such user), or no answer.
    pub async fn sign_out(&self, token: &Secret, user: UserId) -> Result<()> {
        self.done(self.with(token, Method::POST, &at(routes::SIGN_OUT, user))).await
    }

    /// Deletes a user with all that hangs on them, at once.
    ///
    /// # Errors
    /// A refusal (404: no such user, 409: nobody else administers), or no answer.
    pub async fn delete_user(&self, token: &Secret, user: UserId) -> Result<()> {
        self.done(self.with(token, Method::DELETE, &at(routes::USER, user))).await
    }

    /// Acts in a user's name for a while.
    ///
    /// # Errors
    /// A refusal (403: who administers is never impersonated), or no answer.
    pub async fn impersonate(
        &self,
        token: &Secret,
        user: UserId,
        wish: &Impersonate,
    ) -> Result<Impersonation> {
        self.json(self.with(token, Method::POST, &at(routes::IMPERSONATE, user)).json(wish)).await
    }

    /// Another access token for who acts in a user's name by `token`.
    ///
    /// # Errors
    /// A refusal (403: nobody is impersonated), or no answer.
    pub async fn renew_impersonation(&self, token: &Secret) -> Result<Impersonation> {
        self.json(self.with(token, Method::POST, routes::IMPERSONATION_RENEW)).await
    }

    /// Stops acting in a user's name.
    ///
    /// # Errors
    /// A refusal (403: nobody is impersonated), or no answer.
    pub async fn end_impersonation(&self, token: &Secret) -> Result<()> {
        self.done(self.with(token, Method::POST, routes::IMPERSONATION_END)).await
    }

    /// Bans a user.
    ///
    /// # Errors
    /// A refusal (404: no such user), or no answer.
    pub async fn ban(&self, token: &Secret, user: UserId, reason: &str) -> Result<()> {
        let ban = Ban { reason: reason.to_owned() };
        self.done(self.with(token, Method::POST, &at(routes::BAN, user)).json(&ban)).await
    }

    /// Lets a banned user in again.
    ///
    /// # Errors
    /// A refusal (404: no such user), or no answer.
    pub async fn unban(&self, token: &Secret, user: UserId) -> Result<()> {
        self.done(self.with(token, Method::POST, &at(routes::UNBAN, user))).await
    }

    /// Gives a user exactly these roles, and `USER`.
    ///
    /// # Errors
    /// A refusal (404: no such user, 422: no such role), or no answer.
    pub async fn set_roles(&self, token: &Secret, user: UserId, roles: &[&str]) -> Result<Roles> {
        let roles = Roles { roles: roles.iter().map(|role| (*role).to_owned()).collect() };
        self.json(self.with(token, Method::POST, &at(routes::USER_ROLES, user)).json(&roles)).await
    }
}
