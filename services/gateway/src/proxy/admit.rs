use std::{borrow::Cow, net::IpAddr, sync::Arc};

use actix_web::{HttpRequest, HttpResponse};
use hyper::{HeaderMap, header::SET_COOKIE};
use identity::Claims;
use problem::{Describe, HttpError, Kind};
use rate_limiter::Decision;
use service_discovery::Service;
use service_kit::http::method;

use super::{
    Door,
    headers::{client_address, is_trusted},
};
use crate::{
    credential::{
        Proof, cookie,
        rules::{Given, given, takes_no_credential},
        ticket,
    },
    origin::rules::{Proof as PageProof, admit},
};

/// A request that is let in.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    /// Who asks; `None` for nobody in particular.
    pub(super) claims: Option<Arc<Claims>>,
    /// The path and query as they go on: without a ticket.
    pub(super) target: Cow<'a, str>,
    cookie: Option<Proof>,
    counted: Decision,
}

impl Door {
    /// Lets a request in, or says why not: the form of its credential, the page that it comes
    /// from, who shows it and how often, in this order, each asked once.
    pub(super) async fn admit<'a>(
        &self,
        request: &HttpRequest,
        (target, path): (&'a str, &str),
        service: Service,
        opens_websocket: bool,
    ) -> Result<Admitted<'a>, HttpError> {
        let (ticket, target) = ticket::taken_out(target)?;
        let open = takes_no_credential(path, service);
        let given = if open { Given::Nothing } else { given(request.headers(), ticket)? };
        // A login that is to make a cookie: a foreign page must not log its visitor in as another.
        let has_cookie = given.cookie().is_some() || (open && cookie::is_wanted(&target));
        let proof = PageProof::of(&method(request), has_cookie, opens_websocket);
        admit(request.headers(), proof, &self.origins)?;
        let (claims, counted) = self.identify(&given, self.client(request), path).await?;
        Ok(Admitted { claims, target, cookie: given.cookie().cloned(), counted })
    }

    /// The address that a request comes from.
    pub(crate) fn client(&self, request: &HttpRequest) -> IpAddr {
        let peer = request.peer_addr().map(|address| address.ip());
        client_address(request.headers(), peer, &self.trusted_proxies)
    }

    pub(crate) fn is_trusted_proxy(&self, address: IpAddr) -> bool {
        is_trusted(address, &self.trusted_proxies)
    }

    /// Who asks, if they may ask that often. What is not known to be good is counted by the
    /// client's address: before auth is asked about it, and when it turns out to be bad.
    async fn identify(
        &self,
        given: &Given<'_>,
        client: IpAddr,
        path: &str,
    ) -> Result<(Option<Arc<Claims>>, Decision), HttpError> {
        if !self.credentials.holds(given) {
            self.rate_limits.unproven(client).await?;
        }
        match self.credentials.check(given).await {
            Ok(Some(claims)) => {
                let counted = self.rate_limits.known(&claims).await?;
                Ok((Some(claims), counted))
            }
            Ok(None) => Ok((None, self.rate_limits.anonymous(client, path).await?)),
            Err(refusal) => {
                if refusal.kind() == Kind::Unauthenticated {
                    self.rate_limits.anonymous(client, path).await?;
                }
                Err(refusal.into())
            }
        }
    }

    /// Heeds what an answer says of the caller's cookie: one that is set anew stands for
    /// something else from now on, such as a proof just given.
    pub(super) async fn heed(&self, admitted: &Admitted<'_>, service: Service, answer: &HeaderMap) {
        if let Some(cookie) = &admitted.cookie
            && sets_cookies(service)
            && answer.contains_key(SET_COOKIE)
        {
            self.credentials.forget(cookie).await;
        }
    }
}

impl Admitted<'_> {
    /// Tells the client what is left of its limits.
    pub(super) fn tell(&self, mut response: HttpResponse) -> HttpResponse {
        self.counted.tell(response.headers_mut());
        response
    }
}

/// Whether a service's `Set-Cookie` is passed on: there is one session, and auth makes it.
pub(super) const fn sets_cookies(service: Service) -> bool {
    matches!(service, Service::Auth)
}
