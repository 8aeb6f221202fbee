use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::USER_AGENT,
    post,
    web::{Data, Json, Path, Query},
};
use contract_auth::{Login, Refresh, SessionList, Tokens};
use diesel_async::AsyncPgConnection;
use identity::{Can, Credential};
use ids::{OrgId, SessionId, Timestamp, UserId};
use problem::HttpError;
use sealing::Keyring;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Overloaded, Queried, Strict, Unauthenticated},
    page::PageQuery,
};

use super::{
    Lifetimes, RefreshToken, SessionError,
    rules::{self, Verdict},
    store::{self, NewSession},
};
use crate::{
    account::{self, Email},
    password::{Hasher, NormalPassword},
    permissions::{ReadAuth, WriteAuth},
    rights::{self, RightsError},
    settings::LoginPolicy,
    token::{Subject, TokenIssuer},
};

const LIST: &str = "sessions";

/// Logs in: an access token for some minutes, and a refresh token for the next pair.
///
/// An unknown address and a wrong password get the same answer after the same work.
#[utoipa::path(
    tag = "session",
    request_body = Login,
    responses(
        (status = 200, description = "Logged in", body = Tokens),
        (status = 403, description = "The address must be verified first", body = problem::Problem,
         content_type = "application/problem+json"),
        Unauthenticated, Bodied, Overloaded
    )
)]
#[post("/api/v1/auth/login")]
pub(crate) async fn login(
    request: HttpRequest,
    body: Strict<Login>,
    db: Data<Db>,
    hasher: Data<Hasher>,
    tokens: Data<Minting>,
) -> Result<Json<Tokens>, HttpError> {
    let (user, org) = prove(&body.0, &db, &hasher).await?;
    let now = Timestamp::now();
    let new = NewSession {
        id: SessionId::generate(),
        user,
        org,
        user_agent: described(&request),
        ip: address(&request),
        now,
        expires_at: now + tokens.lifetimes.absolute,
    };
    let state = RefreshToken { session: new.id, counter: 0, issued_at: now };
    let pair = db
        .transaction(async |connection| {
            store::insert(connection, &new).await?;
            tokens.pair(connection, org, user, state, new.expires_at, now).await
        })
        .await?;
    Ok(Json(pair))
}

/// Who logs in, once the password has proven it.
async fn prove(proof: &Login, db: &Db, hasher: &Hasher) -> Result<(UserId, OrgId), SessionError> {
    let row = match proof.email.parse::<Email>() {
        Ok(email) => account::store::find_for_login(&mut *db.connection().await?, email.as_str()).await?,
        Err(_) => None,
    };
    let password = NormalPassword::from(proof.password.expose());
    let phc = row.as_ref().and_then(|row| row.password_hash.clone()).filter(|_| !password.is_overlong());
    let checked = hasher.check(password.clone(), phc.clone()).await?;
    let row = row.filter(|_| checked.matches).ok_or(SessionError::WrongCredentials)?;
    if let (true, Some(old)) = (checked.outdated, phc) {
        let new = hasher.make(password).await?;
        account::store::rehash(&mut *db.connection().await?, row.id, &old, &new).await?;
    }
    Ok((row.id, row.org_id))
}

/// Gives the next pair of tokens and voids the one before.
///
/// Several at once with one token all get the same successor; a token used again
/// later than 10 seconds after it was replaced ends the session.
#[utoipa::path(
    tag = "session",
    request_body = Refresh,
    responses((status = 200, description = "The next pair", body = Tokens), Unauthenticated, Bodied, Overloaded)
)]
#[post("/api/v1/auth/refresh")]
pub(crate) async fn refresh(
    body: Strict<Refresh>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    tokens: Data<Minting>,
) -> Result<Json<Tokens>, HttpError> {
    let given = RefreshToken::open(&keyring, body.0.refresh_token.expose()).map_err(SessionError::from)?;
    let given = given.ok_or(SessionError::NotARefreshToken)?;
    let now = Timestamp::now();
    let mut connection = db.connection().await?;
    let rotated = store::rotate(&mut connection, &given, tokens.lifetimes.idle, now).await?;
    let (owner, state) = match rotated {
        Some(owner) => (owner, RefreshToken { counter: given.counter + 1, issued_at: now, ..given }),
        None => not_current(&mut connection, given, &tokens, now).await?,
    };
    let pair =
        tokens.pair(&mut connection, owner.org_id, owner.user_id, state, owner.expires_at, now).await?;
    Ok(Json(pair))
}

/// A token that is not the current one: a race gets the successor, a reuse ends the
/// session.
async fn not_current(
    connection: &mut AsyncPgConnection,
    given: RefreshToken,
    tokens: &Minting,
    now: Timestamp,
) -> Result<(store::Owner, RefreshToken), SessionError> {
    let (owner, state) = store::state(connection, given.session).await?.ok_or(SessionError::Over)?;
    match rules::judge(&state, &given, tokens.lifetimes.idle, now) {
        Verdict::Grace => {
            Ok((owner, RefreshToken { counter: state.counter, issued_at: state.rotated_at, ..given }))
        }
        Verdict::Over => Err(SessionError::Over),
        Verdict::Reused => {
            store::revoke(connection, owner.user_id, given.session, "refresh_token_reused", now).await?;
            tracing::warn!(session = %given.session, user = %owner.user_id, "a refresh token was reused: session ended");
            Err(SessionError::Reused)
        }
    }
}

/// Ends the caller's session.
#[utoipa::path(
    tag = "session",
    responses((status = 204, description = "Logged out"), Credentialed),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/logout")]
pub(crate) async fn logout(caller: Can<WriteAuth>, db: Data<Db>) -> Result<HttpResponse, HttpError> {
    let session = caller.session()?;
    let mut connection = db.connection().await?;
    store::revoke(&mut connection, caller.user, session, "logout", Timestamp::now()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists the caller's sessions, the latest login first.
#[utoipa::path(
    tag = "session",
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
        Credential::ApiKey(_) => None,
    };
    let mut connection = db.connection().await?;
    rights::store::require_live(&mut connection, &caller).await?;
    let (idle, now) = (tokens.lifetimes.idle, Timestamp::now());
    let mut data = store::list(&mut connection, caller.user, current, page, idle, now).await?;
    let next_cursor = page.cut(LIST, &mut data, |session| session.id.uuid());
    Ok(Json(SessionList { data, next_cursor }))
}

/// Ends one of the caller's sessions.
#[utoipa::path(
    tag = "session",
    params(("id" = SessionId, Path, description = "Which session")),
    responses((status = 204, description = "Ended"), Credentialed, NotFound),
    security(("bearer" = ["auth:write"]))
)]
#[delete("/api/v1/auth/sessions/{id}")]
pub(crate) async fn delete_session(
    caller: Can<WriteAuth>,
    id: Path<SessionId>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let mut connection = db.connection().await?;
    rights::store::require_live(&mut connection, &caller).await?;
    let ended =
        store::revoke(&mut connection, caller.user, id.into_inner(), "ended by the user", Timestamp::now())
            .await?;
    if ended { Ok(HttpResponse::NoContent().finish()) } else { Err(SessionError::Unknown.into()) }
}

/// What makes pairs of tokens.
#[derive(Debug)]
pub(crate) struct Minting {
    pub(crate) issuer: TokenIssuer,
    pub(crate) keyring: Data<Keyring>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) policy: LoginPolicy,
}

impl Minting {
    /// The pair for a session in this state, with the user's rights as of now.
    async fn pair(
        &self,
        connection: &mut AsyncPgConnection,
        org: OrgId,
        user: UserId,
        state: RefreshToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Tokens, SessionError> {
        let rights = rights::store::find(connection, org, user).await?.ok_or(RightsError::Ended)?;
        if rights.banned_at.is_some() {
            return Err(RightsError::Banned.into());
        }
        if self.policy.requires_verified_email && !rights.email_verified {
            return Err(SessionError::Unverified);
        }
        let subject = Subject::session(user, org, state.session, &rights);
        let access_token = self.issuer.for_clients(&subject, self.lifetimes.access, now)?;
        let refresh_expires_in = rules::remaining(expires_at, self.lifetimes.idle, now).as_secs();
        Ok(Tokens {
            access_token,
            token_type: "Bearer".to_owned(),
            expires_in: i64::try_from(self.lifetimes.access.as_secs()).unwrap_or(i64::MAX),
            refresh_token: state.seal(&self.keyring)?,
            refresh_expires_in: i64::try_from(refresh_expires_in).unwrap_or(i64::MAX),
        })
    }
}

/// How the client describes itself, cut to 512 characters.
fn described(request: &HttpRequest) -> Option<String> {
    let agent = request.headers().get(USER_AGENT)?.to_str().ok()?;
    Some(agent.chars().take(512).collect())
}

/// Where the request came from, for the user's eyes only: the gateway rebuilds the
/// header, but nothing is decided by it.
fn address(request: &HttpRequest) -> Option<String> {
    let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let first = forwarded.and_then(|list| list.split(',').next()).map(str::trim);
    let parsed = first.and_then(|text| text.parse::<std::net::IpAddr>().ok());
    parsed.or_else(|| request.peer_addr().map(|peer| peer.ip())).map(|ip| ip.to_string())
}
