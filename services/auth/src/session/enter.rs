use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody};
use audit::Entry;
use contract_auth::{SecondFactorRequired, audited};
use diesel_async::AsyncPgConnection;
use ids::{OrgId, UserId};

use super::{Device, Minting, Mode, Opening, Pass, SessionError};

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
    #[expect(dead_code, reason = "the second factor makes it")]
    Halfway(SecondFactorRequired),
}

impl Minting {
    /// Lets somebody in who has taken the first step: the one way from a proof to a
    /// session. It belongs in the transaction that uses the proof up.
    pub(crate) async fn enter(
        &self,
        connection: &mut AsyncPgConnection,
        device: &Device,
        proven: Proven,
    ) -> Result<Entered, SessionError> {
        let Proven { user, org, by, mode } = proven;
        let opening = Opening { user, org, methods: vec![by.name().to_owned()], mode };
        let (session, pass) = self.open(connection, device, opening).await?;
        let entry = Entry::of(audited::SESSION_OPENED).on(session).in_org(org).with("by", by.name());
        audit::record(connection, &device.origin.anybody(user.to_string()), entry).await?;
        Ok(Entered::In(pass))
    }
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
