//! Asks for a mail, in the transaction of its cause.

use contract_auth::{MailKind, events::MailRequested};
use diesel_async::AsyncPgConnection;
use events::publish;
use ids::{MailId, OneTimeTokenId, OrgId, Timestamp, UserId};
use serde_json::{Map, Value};
use service_kit::db;

use super::store;
use crate::one_time::{self, NewToken, Purpose};

/// A mail that is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct NewMail {
    pub(crate) kind: MailKind,
    pub(crate) recipient: String,
    pub(crate) user: Option<UserId>,
    pub(crate) org: Option<OrgId>,
    pub(crate) variables: Map<String, Value>,
}

impl NewMail {
    /// A mail to a user about their own account.
    pub(crate) fn to_user(kind: MailKind, recipient: &str, user: UserId, org: OrgId) -> Self {
        let recipient = recipient.to_owned();
        Self { kind, recipient, user: Some(user), org: Some(org), variables: Map::new() }
    }

    /// To another address than the user's own.
    pub(crate) fn to(self, recipient: &str) -> Self {
        Self { recipient: recipient.to_owned(), ..self }
    }

    /// A mail to an address, which may have an account or not, in the name of an
    /// organisation.
    pub(crate) fn to_address(kind: MailKind, recipient: &str, org: OrgId) -> Self {
        let recipient = recipient.to_owned();
        Self { kind, recipient, user: None, org: Some(org), variables: Map::new() }
    }

    /// With something that the text needs.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }
}

/// Asks for a mail without a link.
pub(crate) async fn send(
    connection: &mut AsyncPgConnection,
    mail: &NewMail,
    now: Timestamp,
) -> db::Result<()> {
    write(connection, mail, None, now).await
}

/// Asks for a mail whose link carries a new one-time token; `about` is what the token is
/// good for.
pub(crate) async fn send_link(
    connection: &mut AsyncPgConnection,
    mail: &NewMail,
    purpose: Purpose,
    about: Option<String>,
    now: Timestamp,
) -> db::Result<()> {
    let token = NewToken { purpose, user: mail.user, org: mail.org, about };
    let token = one_time::store::insert(connection, &token, now).await?;
    write(connection, mail, Some(token), now).await
}

async fn write(
    connection: &mut AsyncPgConnection,
    mail: &NewMail,
    token: Option<OneTimeTokenId>,
    now: Timestamp,
) -> db::Result<()> {
    let id = MailId::generate();
    store::insert(connection, id, mail, token, now).await?;
    publish(connection, &MailRequested { mail_id: id, kind: mail.kind, org_id: mail.org }).await?;
    Ok(())
}
