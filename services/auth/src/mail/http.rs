use actix_web::{
    get,
    web::{Data, Json, Path},
};
use contract_auth::{Mail, MailKind, Secret};
use identity::CallingService;
use ids::{MailId, OneTimeTokenId, Timestamp};
use problem::HttpError;
use sealing::{Keyring, SealError};
use serde_json::{Map, Value};
use service_discovery::Service;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound},
};

use super::{Links, error::MailError, store};
use crate::one_time::{self, Purpose};

/// Gives the mail service the mail of a `mail.requested` event, with its link: nobody else
/// is shown what logs people in.
#[utoipa::path(
    tag = "Internal",
    params(("id" = MailId, Path, description = "Which mail")),
    responses((status = 200, description = "The mail", body = Mail), Credentialed, NotFound),
    security(("service" = []))
)]
#[get("/internal/v1/auth/mails/{id}")]
pub(crate) async fn get_mail(
    caller: CallingService,
    id: Path<MailId>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    links: Data<Links>,
) -> Result<Json<Mail>, HttpError> {
    if caller.0 != Service::Notify {
        return Err(MailError::NotYours.into());
    }
    let id = id.into_inner();
    let row = store::find(&mut *db.connection().await?, id, Timestamp::now()).await?;
    let row = row.ok_or(MailError::Unknown)?;
    let proof = proof(&row, &keyring).map_err(MailError::from)?;
    let link = proof.as_ref().and_then(|(purpose, token)| links.to(*purpose, token));
    let kind: MailKind = serde_json::from_value(row.kind.into()).map_err(|_unknown| MailError::Unknown)?;
    let mut variables: Map<String, Value> = row.variables.as_object().cloned().unwrap_or_default();
    variables.entry("name").or_insert(row.name.into());
    variables.entry("locale").or_insert(row.locale.into());
    Ok(Json(Mail {
        id,
        kind,
        to: row.recipient,
        user_id: row.user_id,
        org_id: row.org_id,
        link,
        token: proof.map(|(_, token)| token),
        expires_at: row.expires_at,
        variables,
        created_at: row.created_at,
    }))
}

/// The text of the token in the mail's link, while it works.
fn proof(row: &store::Row, keyring: &Keyring) -> Result<Option<(Purpose, Secret)>, SealError> {
    let named = |name: &String| Purpose::ALL.into_iter().find(|purpose| purpose.name() == name);
    let purpose = row.purpose.as_ref().and_then(named);
    let Some((id, purpose)) = row.token_id.zip(purpose) else { return Ok(None) };
    let id: OneTimeTokenId = id;
    Ok(Some((purpose, one_time::text(keyring, purpose, id)?)))
}
