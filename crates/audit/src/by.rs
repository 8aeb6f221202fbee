use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::IpAddr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderMap};
use identity::{Claims, Principal};
use ids::{OrgId, UserId};
use service_discovery::{Context, Service};

/// Who does something, as an entry tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    pub(crate) actor: String,
    pub(crate) through: Option<String>,
    pub(crate) credential: Option<String>,
    pub(crate) org: Option<OrgId>,
    pub(crate) ip: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl By {
    /// A service on its own account: in a job, or where the caller is another service.
    #[must_use]
    pub fn service(service: Service) -> Self {
        Self::named(Claims::service_subject(service))
    }

    /// A user whose wish a job carries out, who is not there any more when it is done.
    #[must_use]
    pub fn wish_of(user: UserId) -> Self {
        Self::named(user.to_string())
    }

    /// Whoever holds the command line.
    #[must_use]
    pub fn operator() -> Self {
        Self::named("operator".to_owned())
    }

    /// Names the request that is being served, if one is.
    fn named(actor: String) -> Self {
        let request_id = Context::current().request_id;
        Self { actor, through: None, credential: None, org: None, ip: None, request_id }
    }
}

/// Where a request came from, as a handler's argument.
///
/// It is what `X-Forwarded-For` begins with, which the gateway rebuilds, else the
/// connection's other end. Nothing may be granted by it, as a service that is reached past
/// the gateway sees what the client made up; guesses are counted by it, beside other counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub ip: Option<IpAddr>,
}

impl Origin {
    /// The caller of this request.
    #[must_use]
    pub fn caller(&self, caller: &Principal) -> By {
        By {
            through: caller.actor.as_ref().map(|actor| actor.sub.clone()),
            credential: Some(caller.credential.to_string()),
            org: Some(caller.org),
            ..self.anybody(caller.user.to_string())
        }
    }

    /// Somebody whom this request itself makes known, such as who logs in: a user's
    /// id, or another word for who it was.
    #[must_use]
    pub fn anybody(&self, actor: impl Into<String>) -> By {
        By { ip: self.ip.map(|ip| ip.to_string()), ..By::named(actor.into()) }
    }
}

impl FromRequest for Origin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let peer = || request.peer_addr().map(|peer| peer.ip());
        ready(Ok(Self { ip: forwarded(request.headers()).or_else(peer) }))
    }
}

fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let list = headers.get("x-forwarded-for")?.to_str().ok()?;
    list.split(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    async fn origin(forwarded: Option<&str>) -> Option<String> {
        let request = TestRequest::default().peer_addr("192.0.2.7:1".parse().unwrap());
        let request = match forwarded {
            Some(list) => request.insert_header(("x-forwarded-for", list)),
            None => request,
        };
        let origin = Origin::extract(&request.to_http_request()).await.unwrap();
        origin.ip.map(|ip| ip.to_string())
    }

    #[actix_web::test]
    async fn the_client_is_the_first_of_the_list() {
        assert_eq!(origin(Some("203.0.113.7, 192.0.2.1")).await.as_deref(), Some("203.0.113.7"));
        assert_eq!(origin(Some("2001:db8::1")).await.as_deref(), Some("2001:db8::1"));
        for list in [None, Some(""), Some("unknown, 203.0.113.7")] {
            assert_eq!(origin(list).await.as_deref(), Some("192.0.2.7"), "{list:?}");
        }
    }

    #[actix_web::test]
    async fn the_request_that_is_served_is_named() {
        let context = Context { request_id: Some("req_1".to_owned()), traceparent: None };
        let by = context.scope(async { By::service(Service::Auth) }).await;
        assert_eq!((by.actor.as_str(), by.request_id.as_deref()), ("service:auth", Some("req_1")));
        assert_eq!(By::operator().request_id, None);
    }
}
