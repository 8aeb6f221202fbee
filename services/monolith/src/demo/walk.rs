use std::fmt::Display;

use anyhow::Context;
use contract_auth::{Client as Auth, Login, NewApiKey, Registration, Secret, Tokens};
use contract_prefs::{Client as Prefs, NamespaceName};
use ids::UserId;
use serde_json::json;
use service_discovery::{CallError, Peer, Service};

use super::{event, mail};
use crate::dev::endpoints::Published;
use crate::say;

/// The words of a passphrase are easier to remember than anything shorter.
pub(super) const PASSWORD: &str = "four words that nobody else uses";

/// Every step of the flow, in order, with the mails where a mailbox shows them; gives the
/// user who is about to be deleted at its end.
pub(super) async fn through(peer: Peer, mailbox: Option<&str>) -> anyhow::Result<UserId> {
    let (auth, prefs) = (Auth::new(peer.clone()), Prefs::new(peer));
    let email = format!("{}@example.com", UserId::generate());
    register(&auth, &email, mailbox).await?;
    let tokens = sign_in(&auth, &email).await?;
    preferences(&prefs, tokens.access_token.expose()).await?;
    api_key(&auth, &prefs, &tokens.access_token).await?;
    leave(&auth, tokens).await?;
    delete(&auth, &prefs, &email).await
}

async fn register(auth: &Auth, email: &str, mailbox: Option<&str>) -> anyhow::Result<()> {
    let registration =
        Registration { email: email.to_owned(), password: PASSWORD.into(), name: Some("Ada".to_owned()) };
    let accepted = auth.register(&registration).await.context("register")?;
    step("register", "POST /api/v1/auth/register", accepted.detail)?;
    if let Some(mailbox) = mailbox {
        let proof = mail::verification(mailbox, email).await.context("the mail")?;
        step("read the mail", &format!("GET {mailbox}"), "a link with a one-time token")?;
        let settled = auth.verify_email(&proof).await.context("verify the address")?;
        step("verify the address", "POST /api/v1/auth/verify-email", settled.status)?;
    }
    Ok(())
}

async fn sign_in(auth: &Auth, email: &str) -> anyhow::Result<Tokens> {
    let tokens = log_in(auth, email).await.context("log in")?;
    let seconds = tokens.expires_in;
    step(
        "log in",
        "POST /api/v1/auth/login",
        format!("an access token for {seconds} s, and a refresh token"),
    )?;
    let me = auth.me(&tokens.access_token).await.context("read me")?;
    step("read me", "GET /api/v1/auth/me", format!("{} {}, {}", me.id, me.email, me.roles.join(" ")))?;
    Ok(tokens)
}

async fn preferences(prefs: &Prefs, token: &str) -> anyhow::Result<()> {
    let appearance: NamespaceName = "appearance".parse().context("a namespace's name")?;
    let read = prefs.document(token, &appearance).await.context("read preferences")?;
    let shown = |document: &contract_prefs::PreferenceDocument| serde_json::to_string(document);
    step(
        "read preferences",
        "GET /api/v1/prefs/appearance",
        format!("{} {}", read.etag, shown(&read.value)?),
    )?;
    let patch = serde_json::from_value(json!({ "theme": "dark" }))?;
    let written =
        prefs.patch_document(token, &appearance, &read.etag, &patch).await.context("write preferences")?;
    let now = format!("{} {}", written.etag, shown(&written.value)?);
    step("write them", "PATCH /api/v1/prefs/appearance", now)?;
    match prefs.patch_document(token, &appearance, &read.etag, &patch).await {
        Err(CallError::Refused(problem)) if problem.status == 412 => {
            step("with a stale ETag", "PATCH /api/v1/prefs/appearance", format!("412 {}", problem.code))
        }
        other => anyhow::bail!("a stale ETag was not refused: {other:?}"),
    }
}

async fn api_key(auth: &Auth, prefs: &Prefs, token: &Secret) -> anyhow::Result<()> {
    let new = NewApiKey {
        name: "demo".to_owned(),
        scopes: vec!["prefs:read".to_owned()],
        expires_at: None,
        rate_limit: None,
    };
    let made = auth.create_api_key(token, &new).await.context("create an API key")?;
    let what = format!("{}_…  {}", made.shown.prefix, made.shown.scopes.join(" "));
    step("create an API key", "POST /api/v1/auth/api-keys", what)?;
    let all = prefs.preferences(made.key.expose(), false).await.context("use the API key")?;
    let names: Vec<String> = all.preferences.keys().map(ToString::to_string).collect();
    step("use it", "GET /api/v1/prefs", format!("200 {}", names.join(", ")))?;
    match auth.me(&made.key).await {
        Err(CallError::Refused(problem)) if problem.status == 403 => {
            step("beyond its scopes", "GET /api/v1/auth/me", format!("403 {}", problem.code))
        }
        other => anyhow::bail!("a key without the scope was let in: {other:?}"),
    }
}

async fn leave(auth: &Auth, tokens: Tokens) -> anyhow::Result<()> {
    let next = auth.refresh(&tokens.refresh_token).await.context("refresh")?;
    step("refresh", "POST /api/v1/auth/refresh", "the next pair of tokens")?;
    auth.logout(&next.access_token).await.context("log out")?;
    step("log out", "POST /api/v1/auth/logout", "204")?;
    match auth.refresh(&next.refresh_token).await {
        Err(CallError::Refused(problem)) if problem.status == 401 => {
            step("refresh again", "POST /api/v1/auth/refresh", format!("401 {}", problem.code))
        }
        other => anyhow::bail!("a session that was logged out was refreshed: {other:?}"),
    }
}

/// What cannot be undone needs a fresh login, and gives time to come back.
async fn delete(auth: &Auth, prefs: &Prefs, email: &str) -> anyhow::Result<UserId> {
    let tokens = log_in(auth, email).await.context("log in again")?;
    let me = auth.me(&tokens.access_token).await.context("read me")?;
    let delete = auth.delete_me(&tokens.access_token).await.context("delete the account")?;
    let Some(delete) = delete else {
        step("delete the account", "DELETE /api/v1/auth/me", "204")?;
        return Ok(me.id);
    };
    step("delete the account", "DELETE /api/v1/auth/me", format!("202 at {}", delete.delete_at))?;
    let narrow = log_in(auth, email).await.context("log in meanwhile")?;
    match prefs.preferences(narrow.access_token.expose(), false).await {
        Err(CallError::Refused(problem)) if problem.status == 403 => {
            step("log in meanwhile", "GET /api/v1/prefs", format!("403 {}", problem.code))?;
        }
        other => anyhow::bail!("a deletion that waits lets one do more than restore: {other:?}"),
    }
    auth.restore_me(&narrow.access_token).await.context("restore the account")?;
    step("change one's mind", "POST /api/v1/auth/me/restore", "204")?;
    let back = auth.refresh(&narrow.refresh_token).await.context("refresh")?;
    prefs.preferences(back.access_token.expose(), false).await.context("read preferences again")?;
    step("all is back", "GET /api/v1/prefs", "200")?;
    auth.delete_me(&back.access_token).await.context("delete the account after all")?;
    step("delete it after all", "DELETE /api/v1/auth/me", "202")?;
    Ok(me.id)
}

async fn log_in(auth: &Auth, email: &str) -> anyhow::Result<Tokens> {
    let login = Login { email: email.to_owned(), password: PASSWORD.into() };
    auth.login(&login).await?.tokens().context("a second factor is wanted")
}

/// Lets the time of grace pass, and shows how prefs learned of the deletion.
pub(super) async fn event(running: &Published, user: UserId) -> anyhow::Result<()> {
    let url = |service| running.database_url(service).context("a database is not known");
    event::let_the_time_pass(url(Service::Auth)?, user).await?;
    let way = event::follow(url(Service::Auth)?, url(Service::Prefs)?, user).await?;
    let (received, handled) = (way.received.as_millis(), way.handled.as_millis());
    say("\nAs if its time of grace were over: the way of the event `user.deleted`")?;
    step("written", "auth, by the job that deletes", way.written.id)?;
    step("received", "prefs, in its inbox", format!("{received} ms later"))?;
    let left = way.documents;
    step(
        "handled",
        "prefs, as a job",
        format!("{handled} ms later: {left} of the user's documents are left"),
    )?;
    anyhow::ensure!(left == 0, "the user's preferences are still there");
    Ok(())
}

pub(super) fn step(name: &str, request: &str, outcome: impl Display) -> anyhow::Result<()> {
    say(&format!("  {name:<18} {request:<32} {outcome}"))
}
