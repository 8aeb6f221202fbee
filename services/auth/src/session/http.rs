use actix_web::{
    HttpResponse, delete, get,
    http::header::SET_COOKIE,
    post,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_auth::{Login, LoginReply, Refresh, SessionList, Tokens, audited};
use diesel_async::AsyncPgConnection;
use idempotency::{Idempotency, Keyed};
use identity::{Can, Credential, Revocation, Revocations};
use ids::{SessionId, Timestamp};
use problem::HttpError;
use sealing::Keyring;
use service_kit::{
    db::{self, Db},
    http::{Bodied, Credentialed, Limited, NotFound, Overloaded, Queried, Strict, Unauthenticated},
    page::PageQuery,
};

use super::{
    Device, Entered, Method, Minting, Mode, ModeQuery, Proven, RefreshToken, SessionError, act, cookie,
    rules::{self, Verdict},
    store::{self, Rotated},
};
use crate::{
    account::{self, Email, store::LoginRow},
    attempt::Keys,
    password::{Checked, Checker, Held, NormalPassword},
    permissions::{ReadAuth, WriteAuth},
    rights,
};

const LIST: &str = "sessions";

/// Logs in: an access token for some minutes, and a refresh token for the next pair; or,
/// for who has a second factor, the right to the second step.
///
/// An unknown address and a wrong password get the same answer after the same work, and
/// after five in a row the same delays.
#[utoipa::path(
    tag = "Sessions",
    request_body = Login,
    params(ModeQuery),
    responses(
        (status = 200, description = "Logged in, or halfway. With `mode=cookie` the session is in `Set-Cookie`",
         body = LoginReply),
        (status = 403, description = "The address must be verified first", body = problem::Problem,
         content_type = "application/problem+json"),
        Unauthenticated, Bodied, Limited, Overloaded
    )
)]
#[post("/api/v1/auth/login")]
pub(crate) async fn login(
    body: Strict<Login>,
    query: Query<ModeQuery>,
    db: Data<Db>,
    checker: Data<Checker>,
    tokens: Data<Minting>,
    device: Device,
) -> Result<Entered, HttpError> {
    let (row, entered) = prove(&body.0, query.mode, &db, &checker, &tokens, &device).await?;
    if let Some(entered) = entered {
        return Ok(entered);
    }
    let entered = db.transaction(async |connection| {
        if !account::store::hold_password(connection, row.id, row.password_changed_at).await? {
            return Err(SessionError::WrongCredentials);
        }
        tokens.enter(connection, &device, proven(&row, query.mode)).await
    });
    Ok(entered.await?)
}

/// Who logs in, once the password has proven it, and what that led to if it took no more. The
/// attempt is counted whether there is an account or not.
async fn prove(
    proof: &Login,
    mode: Mode,
    db: &Db,
    checker: &Checker,
    tokens: &Minting,
    device: &Device,
) -> Result<(LoginRow, Option<Entered>), SessionError> {
    let find = async |connection: &AsyncPgConnection| match proof.email.parse::<Email>() {
        Ok(email) => account::store::find_for_login(connection, email.as_str()).await,
        Err(_) => Ok(None),
    };
    let (begun, row) = checker.begin(&proof.email, device.origin.ip, find).await?;
    let typed = NormalPassword::from(proof.password.expose());
    let held = Held { user: row.as_ref().map(|row| row.id), phc: row.as_ref().and_then(LoginRow::phc) };
    let enter = async |connection: &mut AsyncPgConnection, keys: Keys<'_>, checked: Checked| match &row {
        Some(row) if !checked.outdated => {
            tokens.enter_at_once(connection, device, proven(row, mode), &row.as_found, keys).await
        }
        _ => Ok(None),
    };
    let judged = checker.judge(begun, &held, typed.clone(), &device.origin, enter).await?;
    let ((checked, entered), row) = judged.zip(row).ok_or(SessionError::WrongCredentials)?;
    if let (true, Some(old)) = (checked.outdated, held.phc) {
        let new = checker.hasher.make(typed).await?;
        account::store::rehash(&mut *db.connection().await?, row.id, &old, &new).await?;
    }
    Ok((row, entered))
}

fn proven(row: &LoginRow, mode: Mode) -> Proven {
    Proven { user: row.id, org: row.org_id, by: Method::Password, mode }
}

/// Gives the next pair of tokens and voids the one before.
///
/// Several at once with one token all get the same successor; a token used again
/// later than 10 seconds after it was replaced ends the session.
#[utoipa::path(
    tag = "Sessions",
    request_body = Refresh,
    responses((status = 200, description = "The next pair", body = Tokens), Unauthenticated, Bodied, Overloaded)
)]
#[post("/api/v1/auth/refresh")]
pub(crate) async fn refresh(
    body: Strict<Refresh>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    tokens: Data<Minting>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<Tokens>, HttpError> {
    let given = RefreshToken::open(&keyring, body.0.refresh_token.expose()).map_err(SessionError::from)?;
    let given = given.ok_or(SessionError::NotARefreshToken)?;
    let now = Timestamp::now();
    let mut connection = db.connection().await?;
    let rotated = store::rotate(&mut connection, &given, tokens.lifetimes.idle, now).await?;
    if let Some(Rotated { owner, standing }) = rotated {
        let rights = standing.rights(&mut connection).await?;
        let next = RefreshToken { counter: given.counter + 1, issued_at: now, ..given };
        return Ok(Json(tokens.pair_of(&owner, rights, next, now)?));
    }
    match not_current(&mut connection, given, &tokens, origin, now).await? {
        Replaced::JustNow(owner, current) => {
            Ok(Json(tokens.pair(&mut connection, &owner, current, now).await?))
        }
        Replaced::LongAgo(voided) => {
            revocations.hear(voided);
            Err(SessionError::Reused.into())
        }
    }
}

/// A token that is not the current one: a race gets the successor, a reuse ends the
/// session.
async fn not_current(
    connection: &mut AsyncPgConnection,
    given: RefreshToken,
    tokens: &Minting,
    origin: Origin,
    now: Timestamp,
) -> Result<Replaced, SessionError> {
    let (owner, state) = store::state(connection, given.session).await?.ok_or(SessionError::Over)?;
    match rules::judge(&state, &given, tokens.lifetimes.idle, now) {
        Verdict::Grace => {
            let current = RefreshToken { counter: state.counter, issued_at: state.rotated_at, ..given };
            Ok(Replaced::JustNow(owner, current))
        }
        Verdict::Over => Err(SessionError::Over),
        Verdict::Reused => {
            let (user, session) = (owner.user_id, given.session);
            let voided = db::transaction(connection, async |connection| {
                let voided = act::end(connection, user, session, "refresh_token_reused", now).await?;
                let entry = Entry::of(audited::REFRESH_TOKEN_REUSED).on(session).in_org(owner.org_id);
                let entry = entry.with("user", user.to_string());
                audit::record(connection, &origin.anybody("anonymous"), entry).await?;
                Ok::<_, db::Error>(voided)
            });
            let voided = voided.await?;
            tracing::warn!(session = %given.session, user = %owner.user_id, "a refresh token was reused: session ended");
            Ok(Replaced::LongAgo(voided))
        }
    }
}

/// A refresh token that is not the current one.
enum Replaced {
    /// In a race: whose session it is, and the current token.
    JustNow(store::Owner, RefreshToken),
    /// Somebody has a copy: what became void with the session.
    LongAgo(Vec<Revocation>),
}

/// Ends the caller's session; a browser that carries it as a cookie is told to forget it.
#[utoipa::path(
    tag = "Sessions",
    params(idempotency::Key),
    responses((status = 204, description = "Logged out"), Credentialed, Keyed),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/logout")]
pub(crate) async fn logout(
    caller: Can<WriteAuth>,
    db: Data<Db>,
    once: Idempotency,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let session = caller.session()?;
    let mode = store::mode(&mut *db.connection().await?, caller.user, session).await?;
    let mut voided = Vec::new();
    let mut reply = once
        .about(session)
        .run(&db, async |connection| {
            voided = act::end(connection, caller.user, session, "logout", Timestamp::now()).await?;
            let entry = Entry::of(audited::SESSION_ENDED).on(session);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok(HttpResponse::NoContent())
        })
        .await?;
    revocations.hear(voided);
    if let (Mode::Cookie, Ok(forget)) = (mode, cookie::clear().try_into()) {
        reply.headers_mut().insert(SET_COOKIE, forget);
    }
    Ok(reply)
}

/// Lists the caller's sessions, the latest login first.
#[utoipa::path(
    tag = "Sessions",
    params(PageQuery),
    responses((status = 200, description = "A page of sessions", body = SessionList), Credentialed, Queried),
    security(("bearer" = ["auth:read"]), ("api_key" = ["auth:read"]))
)]
#[get("/api/v1/auth/sessions")]
pub(crate) async fn list_sessions(
    caller: Can<ReadAuth>,
    query: Query<PageQuery>,
    db: Data<Db>,
    tokens: Data<Minting>,
) -> Result<Json<SessionList>, HttpError> {
    let page = query.page(LIST)?;
    let current = match caller.credential {
        Credential::Session(id) => Some(id),
        Credential::ApiKey(_) | Credential::Grant(_) => None,
    };
    let mut connection = db.connection().await?;
    let (idle, now) = (tokens.lifetimes.idle, Timestamp::now());
    let mut data = store::list(&mut connection, caller.user, current, page, idle, now).await?;
    let next_cursor = page.cut(LIST, &mut data, |session| session.id.uuid());
    Ok(Json(SessionList { data, next_cursor }))
}

/// Ends one of the caller's sessions.
#[utoipa::path(
    tag = "Sessions",
    params(("id" = SessionId, Path, description = "Which session")),
    responses((status = 204, description = "Ended"), Credentialed, NotFound),
    security(("bearer" = ["auth:write"]))
)]
#[delete("/api/v1/auth/sessions/{id}")]
pub(crate) async fn delete_session(
    caller: Can<WriteAuth>,
    id: Path<SessionId>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let (id, now) = (id.into_inner(), Timestamp::now());
    let voided = db
        .transaction(async |connection| {
            let voided = act::end(connection, caller.user, id, "ended by the user", now).await?;
            if voided.is_empty() {
                return Err(SessionError::Unknown);
            }
            let entry = Entry::of(audited::SESSION_ENDED).on(id);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok(voided)
        })
        .await?;
    revocations.hear(voided);
    Ok(HttpResponse::NoContent().finish())
}

/// Ends all of the caller's sessions but the one that asks.
#[utoipa::path(
    tag = "Sessions",
    responses((status = 204, description = "There are no others"), Credentialed),
    security(("bearer" = ["auth:write"]))
)]
#[delete("/api/v1/auth/sessions")]
pub(crate) async fn delete_other_sessions(
    caller: Can<WriteAuth>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (kept, now) = (caller.session()?, Timestamp::now());
    let voided = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            let voided = act::end_others(connection, caller.user, kept, "ended by the user", now).await?;
            if !voided.is_empty() {
                let entry = Entry::of(audited::OTHER_SESSIONS_ENDED).on(caller.user);
                let entry = entry.with("sessions", voided.len());
                audit::record(connection, &origin.caller(&caller), entry).await?;
            }
            Ok::<_, SessionError>(voided)
        })
        .await?;
    revocations.hear(voided);
    Ok(HttpResponse::NoContent().finish())
}
