//! A token from a grant.

use std::time::Duration;

use diesel_async::AsyncPgConnection;
use identity::{Actor, Claims, Scopes};
use ids::{GrantId, Timestamp};
use service_discovery::Service;

use super::store::{self, Drawn};
use crate::{
    rights::{self, Rights},
    token::{Subject, TokenError},
};

/// Whom a token that `holder` draws speaks for, and how long it may last. What the person
/// may do no more, the token may not either; when nothing is left, there is none.
pub(crate) async fn draw(
    connection: &mut AsyncPgConnection,
    holder: Service,
    text: &str,
    now: Timestamp,
) -> Result<(Subject, Duration), TokenError> {
    let refused = || TokenError::InvalidGrant("this grant opens nothing".to_owned());
    let id: GrantId = text.parse().map_err(|_why| refused())?;
    let grant = store::draw(connection, id, holder, now).await?.ok_or_else(refused)?;
    let rights = rights::store::find(connection, grant.org_id, grant.user_id).await?;
    let rights = rights.filter(Rights::open_keys).ok_or_else(refused)?;
    let lifetime = grant.expires_at.since(now);
    let subject = subject(id, holder, grant, &rights);
    if subject.scopes.is_empty() || lifetime < Duration::from_secs(1) {
        return Err(refused());
    }
    Ok((subject, lifetime))
}

fn subject(id: GrantId, holder: Service, grant: Drawn, rights: &Rights) -> Subject {
    let permitted: Scopes = rights.scopes.iter().collect();
    let scopes = grant.scopes.iter().collect::<Scopes>().narrowed_to(&permitted);
    let actor = grant.actor.map(|sub| Box::new(Actor { sub, act: None }));
    let actor = Some(Actor { sub: Claims::service_subject(holder), act: actor });
    Subject { actor, ..Subject::grant(id, (grant.user_id, grant.org_id), scopes, rights) }
}
