use std::fmt;

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Responder, dev::Payload, http::header::HeaderName, web::Data,
};
use diesel_async::AsyncPgConnection;
use futures_util::future::LocalBoxFuture;
use identity::Principal;
use problem::HttpError;
use sealing::Keyring;
use service_kit::db::{self, Db};

use crate::{
    Key,
    error::IdempotencyError,
    key,
    record::{Fingerprint, Operation, Owner},
    reply::Reply,
    store::{self, Found},
};

/// Says of a reply that it is that of an earlier request; its value is `true`.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What makes a handler act once for an `Idempotency-Key`.
///
/// As an argument it needs a person as caller as soon as the header is there. The
/// replies of handlers that take it are stored: one whose reply holds a secret
/// (a token, an API key) must not.
#[derive(Debug)]
pub struct Idempotency {
    request: HttpRequest,
    keyed: Option<Keyed>,
}

/// A request with a key.
#[derive(Debug)]
struct Keyed {
    owner: Owner,
    operation: Operation,
    keyring: Data<Keyring>,
}

impl Idempotency {
    /// Makes the act one that is done to `what`: for what the credential says and the path
    /// does not, such as the session that is logged out. With another it is another act,
    /// whose key was never used.
    #[must_use]
    pub fn about(self, what: impl fmt::Display) -> Self {
        let about = |keyed: Keyed| Keyed { operation: keyed.operation.about(&what.to_string()), ..keyed };
        Self { keyed: self.keyed.map(about), ..self }
    }

    /// Does `work` in one transaction of `db`, together with the record of its reply.
    ///
    /// - `Ok` commits, whatever the status; the reply is kept for 24 hours.
    /// - `Err` rolls back and keeps nothing: the same key may be sent again.
    ///
    /// # Errors
    /// What `work` says. With a key also: 409 `idempotency_in_flight` while another
    /// request with it runs, 422 `idempotency_key_reused` for another body or query,
    /// 409 `idempotency_reply_lost` when it acted but its reply cannot be told again.
    pub async fn run<R: Responder<Body: 'static>>(
        self,
        db: &Db,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<R, HttpError>,
    ) -> Result<HttpResponse, HttpError> {
        let Self { request, keyed } = self;
        let work = async |connection: &mut AsyncPgConnection| {
            Ok(work(connection).await?.respond_to(&request).map_into_boxed_body())
        };
        match keyed {
            None => db.transaction(work).await,
            Some(keyed) => keyed.run(db, Fingerprint::of(&request), work).await,
        }
    }
}

impl Keyed {
    async fn run(
        &self,
        db: &Db,
        fingerprint: Fingerprint,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<HttpResponse, HttpError>,
    ) -> Result<HttpResponse, HttpError> {
        let mut connection = db.connection().await?;
        let first = db::transaction(&mut connection, async |connection| {
            match store::claim(connection, &self.operation).await? {
                Found::InFlight => Err(IdempotencyError::InFlight.into()),
                Found::Record(sealed) => Ok(self.replay(&fingerprint, &sealed)?),
                Found::Nothing => self.act(connection, &fingerprint, work).await,
            }
        });
        match first.await {
            Ok(response) => Ok(response),
            Err(Stop::Refused(error)) => Err(error),
            Err(Stop::Overtaken) => match store::claim(&mut connection, &self.operation).await? {
                Found::Record(sealed) => Ok(self.replay(&fingerprint, &sealed)?),
                Found::InFlight | Found::Nothing => Err(IdempotencyError::InFlight.into()),
            },
        }
    }

    async fn act(
        &self,
        connection: &mut AsyncPgConnection,
        fingerprint: &Fingerprint,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<HttpResponse, HttpError>,
    ) -> Result<HttpResponse, Stop> {
        let (reply, response) = Reply::take(work(connection).await?);
        let sealed = self.operation.seal(&self.keyring, fingerprint, reply.as_ref())?;
        match store::keep(connection, self.owner, &self.operation, &sealed).await? {
            true => Ok(response),
            false => Err(Stop::Overtaken),
        }
    }

    fn replay(&self, fingerprint: &Fingerprint, sealed: &[u8]) -> Result<HttpResponse, IdempotencyError> {
        Ok(self.operation.open(&self.keyring, fingerprint, sealed)?.respond(REPLAYED))
    }
}

/// Why a transaction with a key is rolled back.
enum Stop {
    /// The reply, if it is a refusal.
    Refused(HttpError),
    /// Another request with the key ended after our snapshot was taken and before we
    /// got the lock, so that its record could not be seen: the primary key told.
    Overtaken,
}

impl<E: Into<HttpError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl FromRequest for Idempotency {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        if !request.headers().contains_key(key::HEADER) {
            return Box::pin(async { Ok(Self { request, keyed: None }) });
        }
        let caller = Principal::from_request(&request, payload);
        Box::pin(async move {
            // First the caller: a stranger is told nothing about the header.
            let Principal { org, user, .. } = caller.await?;
            let owner = Owner { org, user };
            let operation = Operation::of(owner, &request, &Key::read(request.headers())?);
            let keyring = request.app_data::<Data<Keyring>>().cloned();
            let keyring = keyring.ok_or(IdempotencyError::NoKeyring)?;
            Ok(Self { request, keyed: Some(Keyed { owner, operation, keyring }) })
        })
    }
}
