use actix_web::{HttpMessage, HttpRequest};
use aws_lc_rs::digest::{Context, SHA256};
use ids::{OrgId, UserId};
use sealing::{Keyring, SealError};
use service_kit::http::RawBody;

use crate::{Key, error::IdempotencyError, reply::Reply};

/// The length of a SHA-256, bytes.
const LENGTH: usize = 32;

/// In whose name keys are given: another organisation's or person's key is another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
}

/// One act: owner, method, path as it was sent, and key, as their SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation([u8; LENGTH]);

impl Operation {
    pub(crate) fn of(owner: Owner, request: &HttpRequest, key: &Key) -> Self {
        Self::named(owner, request.method().as_str(), request.path(), key)
    }

    fn named(owner: Owner, method: &str, path: &str, key: &Key) -> Self {
        let (org, user) = (owner.org.uuid(), owner.user.uuid());
        let texts = [method, path, key.as_str()].map(str::as_bytes);
        Self(digest(&[org.as_bytes(), user.as_bytes(), texts[0], b"\0", texts[1], b"\0", texts[2]]))
    }

    /// The same act, done to `what` the request does not name.
    pub(crate) fn about(&self, what: &str) -> Self {
        Self(digest(&[&self.0, what.as_bytes()]))
    }

    /// The primary key of its record.
    pub(crate) fn id(&self) -> &[u8] {
        &self.0
    }

    /// The number of its advisory lock. Two that share one get a needless 409.
    pub(crate) fn lock(&self) -> i64 {
        self.0.first_chunk().map_or(0, |first| i64::from_be_bytes(*first))
    }

    /// What its record holds: which request it was, and what it was answered.
    pub(crate) fn seal(
        &self,
        keyring: &Keyring,
        fingerprint: &Fingerprint,
        reply: Option<&Reply>,
    ) -> Result<Vec<u8>, IdempotencyError> {
        let mut record = fingerprint.0.to_vec();
        serde_json::to_writer(&mut record, &reply)
            .map_err(|_why| IdempotencyError::Seal(SealError::Failed))?;
        Ok(keyring.seal(&self.row(), &record)?)
    }

    /// The reply to the request of this fingerprint.
    pub(crate) fn open(
        &self,
        keyring: &Keyring,
        fingerprint: &Fingerprint,
        sealed: &[u8],
    ) -> Result<Reply, IdempotencyError> {
        let record = keyring.open(&self.row(), sealed).map_err(IdempotencyError::Unreadable)?;
        let (first, reply) = record.split_first_chunk().ok_or(IdempotencyError::ReplyLost)?;
        if *first != fingerprint.0 {
            return Err(IdempotencyError::Reused);
        }
        serde_json::from_slice::<Option<Reply>>(reply).ok().flatten().ok_or(IdempotencyError::ReplyLost)
    }

    /// What the seal is bound to.
    fn row(&self) -> Vec<u8> {
        [b"idempotency_records/", self.id()].concat()
    }
}

/// What must be the same for a request to be the same: body and query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    /// Of the body as the handler took it by `service_kit::http`, the empty one if it
    /// took none.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let extensions = request.extensions();
        let body = extensions.get::<RawBody>().map(|body| &body.0[..]).unwrap_or_default();
        Self::named(request.query_string(), body)
    }

    fn named(query: &str, body: &[u8]) -> Self {
        Self(digest(&[query.as_bytes(), b"\0", body]))
    }
}

fn digest(parts: &[&[u8]]) -> [u8; LENGTH] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut sum = [0; LENGTH];
    sum.copy_from_slice(context.finish().as_ref());
    sum
}
