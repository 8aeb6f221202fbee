use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody};
use contract_auth::{MailKind, SecondFactorRequired};
use diesel_async::AsyncPgConnection;
use ids::{OrgId, Timestamp, UserId};
use service_kit::db;

use super::{Device, Minting, Mode, Opened, Opening, Pass, SessionError, minting::Terms};
use crate::{
    attempt::Keys,
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

impl Proven {
    fn opening(self) -> Opening {
        Opening::now((self.user, self.org), vec![self.by.name().to_owned()], self.mode)
    }
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
        match self.open_on(connection, device, proven.opening(), Terms::FirstStep).await? {
            Some(opened) => {
                tell(connection, device, &opened, (proven.user, proven.org)).await?;
                Ok(Entered::In(opened.pass))
            }
            None => Ok(Entered::Halfway(self.halfway(connection, proven).await?)),
        }
    }

    /// The same in one statement, outside a transaction, as most logins go: where the user's
    /// row is as it was found, and there is no second step, nobody to refuse and nobody to
    /// tell. Else it changes nothing. The attempt that was right is settled with it.
    pub(super) async fn enter_at_once(
        &self,
        connection: &mut AsyncPgConnection,
        device: &Device,
        proven: Proven,
        as_found: &str,
        attempt: Keys<'_>,
    ) -> Result<Option<Entered>, SessionError> {
        let terms = Terms::AtOnce { as_found, attempt };
        let opened = self.open_on(connection, device, proven.opening(), terms).await?;
        Ok(opened.map(|opened| Entered::In(opened.pass)))
    }

    /// Lets somebody in who has taken the second step as well: `opening` says how both were
    /// taken. It belongs in the transaction that uses up the code and the right to show it.
    pub(crate) async fn enter_fully(
        &self,
        connection: &mut AsyncPgConnection,
        device: &Device,
        opening: Opening,
    ) -> Result<Pass, SessionError> {
        let whose = (opening.user, opening.org);
        let opened = self.open_on(connection, device, opening, Terms::Login).await?;
        let opened = opened.ok_or(SessionError::Over)?;
        tell(connection, device, &opened, whose).await?;
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

/// Tells the user by mail if they log in on a device that is new to them.
async fn tell(
    connection: &mut AsyncPgConnection,
    device: &Device,
    opened: &Opened,
    (user, org): (UserId, OrgId),
) -> db::Result<()> {
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
