use actix_web::{
    HttpResponse, post,
    web::{Data, Query},
};
use contract_auth::{Accepted, LoginReply, MailProof, MailWanted};
use identity::Revocations;
use ids::Timestamp;
use problem::{HttpError, Problem};
use sealing::Keyring;
use service_kit::{
    db::Db,
    http::{Bodied, Overloaded, Strict, Unauthenticated},
};

use crate::{
    one_time::{self, Purpose},
    proof::{self, Letter, ProofError},
    session::{Device, Entered, Method, Minting, ModeQuery, Proven},
};

/// Asks for a link that logs in, to be mailed to the account's address; it works for a
/// quarter of an hour, and an account gets at most five an hour.
///
/// Whether or not the address has an account, the same is done and answered.
#[utoipa::path(
    tag = "Sessions",
    request_body = MailWanted,
    responses(
        (status = 202, description = "Always the same", body = Accepted),
        (status = 403, description = "Logging in by mail is switched off here", body = Problem,
         content_type = "application/problem+json"),
        Bodied, Overloaded
    )
)]
#[post("/api/v1/auth/magic-link")]
pub(crate) async fn want_magic_link(
    body: Strict<MailWanted>,
    db: Data<Db>,
    tokens: Data<Minting>,
) -> Result<HttpResponse, HttpError> {
    require_magic_links(&tokens)?;
    let email = proof::act::address(&body.0.email)?;
    proof::act::ask_of(&db, &email, Letter::MagicLink).await?;
    Ok(HttpResponse::Accepted().json(Accepted::of("if the address has an account, a mail is on its way")))
}

/// Logs in by the token of a mailed link, or, for who has a second factor, as far as that.
///
/// The address is verified by it. If the mailbox is proven by this for the first time, the
/// password, sessions, API keys and all else that was set up before are dropped.
#[utoipa::path(
    tag = "Sessions",
    request_body = MailProof,
    params(ModeQuery),
    responses(
        (status = 200, description = "Logged in, or halfway. With `mode=cookie` the session is in `Set-Cookie`",
         body = LoginReply),
        (status = 403, description = "Logging in by mail is switched off here", body = Problem,
         content_type = "application/problem+json"),
        Unauthenticated, Bodied, Overloaded
    )
)]
#[post("/api/v1/auth/magic-link/verify")]
pub(crate) async fn follow_magic_link(
    body: Strict<MailProof>,
    query: Query<ModeQuery>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    tokens: Data<Minting>,
    revocations: Data<Revocations>,
    device: Device,
) -> Result<Entered, HttpError> {
    require_magic_links(&tokens)?;
    let (purpose, now) = (Purpose::MagicLink, Timestamp::now());
    let id = one_time::open(&keyring, purpose, body.0.token.expose())?;
    let (entered, voided) = db
        .transaction(async |connection| {
            let holder = proof::act::show(connection, purpose, id, now).await?.at_its_address()?;
            let by = device.origin.anybody(holder.id.to_string());
            let voided = proof::act::claim(connection, &by, &holder, now).await?;
            one_time::store::void(connection, holder.id, &[purpose]).await?;
            let (user, org) = (holder.id, holder.org_id);
            let proven = Proven { user, org, by: Method::MagicLink, mode: query.mode };
            Ok::<_, ProofError>((tokens.enter(connection, &device, proven).await?, voided))
        })
        .await?;
    revocations.hear(voided);
    Ok(entered)
}

fn require_magic_links(tokens: &Minting) -> Result<(), ProofError> {
    if tokens.policy.magic_link { Ok(()) } else { Err(ProofError::NoMagicLinks) }
}
