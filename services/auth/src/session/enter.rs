use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody};
use audit::Entry;
use contract_auth::{MailKind, SecondFactorRequired, audited};
use diesel_async::AsyncPgConnection;
use ids::{OrgId, Timestamp, UserId};
use service_kit::db;

use super::{Device, Minting, Mode, Opened, Opening, Pass, SessionError};
use crate::{
    mail::{self, NewMail},
    one_time::{self, NewToken, Purpose},
};

/// Who has taken the first step of a login, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proven {
    pub(crate) user: UserId,
    /// The organisation that the session begins in.
    pub(crate) org: OrgId,
    pub(crate) by: Method,
    /// How the client wants to carry the session.
    pub(crate) mode: Mode,
}

/// How somebody proves who they are; the names are those of RFC 8176 where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// A password.
    Password,
    /// A link that was mailed.
    MagicLink,
}

impl Method {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::MagicLink => "mail",
        }
    }
}

/// What the first step led to: the reply of every login.
#[derive(Debug)]
pub(crate) enum Entered {
    /// Into a new session.
    In(Pass),
    /// To the second step: there is no session yet.
    Halfway(SecondFactorRequired),
}

impl Minting {
    /// Lets somebody in who has taken the first step, or as far as the second if they have
    /// a second factor: the one way from a proof to a session. It belongs in the
    /// transaction that uses the proof up.
    pub(crate) async fn enter(
        &self,
        connection: &mut AsyncPgConnection,
        device: &Device,
        proven: Proven,
    ) -> Result<Entered, SessionError> {
        let Proven { user, org, by, mode } = proven;
        let opening = Opening::now((user, org), vec![by.name().to_owned()], mode);
        match self.open_unguarded(connection, device, opening).await? {
            Some(opened) => {
                announce(connection, device, &opened, (user, org), by.name()).await?;
                Ok(Entered::In(opened.pass))
            }
            None => Ok(Entered::Halfway(self.halfway(connection, proven).await?)),
        }
    }

    /// Lets somebody in who has taken the second step as well: `opening` says how both were
    /// taken. It belongs in the transaction that uses up the code and the right to show it.
    pub(crate) async fn enter_fully(
        &self,
        connection: &mut AsyncPgConnection,
        device: &Device,
        opening: Opening,
    ) -> Result<Pass, SessionError> {
        let (whose, by) = ((opening.user, opening.org), opening.methods.join(" "));
        let opened = self.open(connection, device, opening).await?;
        announce(connection, device, &opened, whose, &by).await?;
        Ok(opened.pass)
    }

    /// The right to the second step, and to nothing else.
    async fn halfway(
        &self,
        connection: &mut AsyncPgConnection,
        proven: Proven,
    ) -> Result<SecondFactorRequired, SessionError> {
        let Proven { user, org, by, .. } = proven;
        self.admit(connection, user, org).await?;
        let purpose = Purpose::SecondFactor;
        let about = Some(by.name().to_owned());
        let token = NewToken { purpose, user: Some(user), org: Some(org), about };
        let id = one_time::store::insert(connection, &token, Timestamp::now()).await?;
        Ok(SecondFactorRequired {
            mfa_required: true,
            mfa_token: one_time::text(&self.keyring, purpose, id)?,
            expires_in: i64::try_from(purpose.lifetime().as_secs()).unwrap_or(i64::MAX),
            methods: vec!["totp".to_owned(), "recovery_code".to_owned()],
        })
    }
}

/// Audits a login, and tells the user by mail if it is on a device that is new to them.
async fn announce(
    connection: &mut AsyncPgConnection,
    device: &Device,
    opened: &Opened,
    (user, org): (UserId, OrgId),
    by: &str,
) -> db::Result<()> {
    let entry = Entry::of(audited::SESSION_OPENED).on(opened.id).in_org(org).with("by", by);
    audit::record(connection, &device.origin.anybody(user.to_string()), entry).await?;
    let Some(address) = &opened.unseen_by else { return Ok(()) };
    let mail = NewMail::to_user(MailKind::NewDevice, address, user, org)
        .with("device", device.name())
        .with("ip", device.origin.ip.map(|ip| ip.to_string()));
    mail::act::send(connection, &mail, Timestamp::now()).await
}

impl Responder for Entered {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::In(pass) => pass.respond_to(request),
            Self::Halfway(required) => HttpResponse::Ok().json(required),
        }
    }
}
