use std::{marker::PhantomData, ops::Deref, sync::Arc};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Data,
};
use futures_util::future::LocalBoxFuture;
use problem::HttpError;
use service_discovery::Service;

use crate::{Claims, Principal, Refusal, Revocations, Verifier};

/// One scope, as a type: `enum WritePrefs {}`.
pub trait Permission: 'static {
    /// The scope that a token must hold: `<area>:<read|write|admin>`.
    const SCOPE: &'static str;

    /// Whether it is refused when revocations were not heard of for too long
    /// ([`Revocations::require_fresh`](crate::Revocations::require_fresh)): what
    /// administers is, by default.
    const SENSITIVE: bool = administers(Self::SCOPE);
}

/// Whether a scope ends in `:admin`.
const fn administers(scope: &str) -> bool {
    matches!(scope.as_bytes(), [.., b':', b'a', b'd', b'm', b'i', b'n'])
}

/// The caller, who holds the permission `P`.
#[derive(Clone, Debug)]
pub struct Can<P> {
    principal: Principal,
    permission: PhantomData<fn() -> P>,
}

impl<P> Deref for Can<P> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<P: Permission> FromRequest for Can<P> {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let verifier = verifier(request);
        let claims = claims(request);
        Box::pin(async move {
            let principal = Principal::try_from(Arc::unwrap_or_clone(claims.await?))?;
            if !principal.scopes.contains(P::SCOPE) {
                return Err(Refusal::InsufficientScope(P::SCOPE).into());
            }
            if P::SENSITIVE {
                verifier?.revocations().require_fresh()?;
            }
            Ok(Self { principal, permission: PhantomData })
        })
    }
}

impl FromRequest for Principal {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let claims = claims(request);
        Box::pin(async move { Ok(Self::try_from(Arc::unwrap_or_clone(claims.await?))?) })
    }
}

/// One of our own services, which calls on its own account (a client-credentials
/// token of auth): what routes on the internal listener take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallingService(pub Service);

impl FromRequest for CallingService {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let claims = claims(request);
        Box::pin(async move {
            let service = claims.await?.service().ok_or(Refusal::ServiceRequired)?;
            Ok(Self(service))
        })
    }
}

/// Who was let in, for [`require_live`].
struct Admitted {
    claims: Arc<Claims>,
    revocations: Revocations,
}

/// Refuses a request whose caller was let in by its head and revoked since: to be asked
/// when its body is there, which may be much later. A request that nobody's token was
/// asked for passes.
///
/// # Errors
/// As [`Revocations::check`].
pub fn require_live(request: &HttpRequest) -> Result<(), Refusal> {
    let extensions = request.extensions();
    let admitted = extensions.get::<Admitted>();
    admitted.map_or(Ok(()), |Admitted { claims, revocations }| revocations.check(claims))
}

/// The verified claims of the request's bearer token.
fn claims(request: &HttpRequest) -> impl Future<Output = Result<Arc<Claims>, Refusal>> + use<> {
    let token = bearer(request);
    let verifier = verifier(request);
    let request = request.clone();
    async move {
        let verifier = verifier?;
        let claims = verifier.verify(&token?).await?;
        let revocations = verifier.revocations().clone();
        request.extensions_mut().insert(Admitted { claims: Arc::clone(&claims), revocations });
        Ok(claims)
    }
}

fn verifier(request: &HttpRequest) -> Result<Data<Verifier>, Refusal> {
    request.app_data::<Data<Verifier>>().cloned().ok_or(Refusal::NoKeys)
}

/// The token of exactly one `Authorization: Bearer` header (RFC 6750 section 2.1).
fn bearer(request: &HttpRequest) -> Result<String, Refusal> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let value = values.next().ok_or(Refusal::Missing)?;
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Refusal::Scheme)?;
    if values.next().is_some() || !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::Scheme);
    }
    Ok(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_administers_is_sensitive() {
        assert!(administers("prefs:admin"));
        for scope in ["prefs:write", "admin:read", "admin", ""] {
            assert!(!administers(scope), "{scope}");
        }
    }
}
