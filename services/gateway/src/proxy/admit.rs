use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse};
use hyper::{HeaderMap, header::SET_COOKIE};
use identity::Claims;
use problem::HttpError;
use service_discovery::Service;
use service_kit::http::method;

use super::Door;
use crate::{
    credential::{
        Proof, cookie,
        rules::{Given, given, takes_no_credential},
        ticket,
    },
    limit::Counted,
    origin::rules::{Proof as PageProof, admit},
};

/// A request that is let in.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    /// Who asks; `None` for nobody in particular.
    pub(super) claims: Option<Claims>,
    /// The path and query as they go on: without a ticket.
    pub(super) target: Cow<'a, str>,
    cookie: Option<Proof>,
    counted: Option<Counted>,
}

impl Door {
    /// Lets a request in, or says why not: its credential, the page that it comes from,
    /// the limit of its API key, in this order, each asked once.
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
        let claims = self.credentials.check(&given).await?;
        let counted = match &claims {
            Some(claims) => self.key_limits.count(claims).await?,
            None => None,
        };
        Ok(Admitted { claims, target, cookie: given.cookie().cloned(), counted })
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
    /// Tells the client what is left of its limit.
    pub(super) fn tell(&self, mut response: HttpResponse) -> HttpResponse {
        for (name, value) in self.counted.iter().flat_map(Counted::headers) {
            if let Ok(value) = value.try_into() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Whether a service's `Set-Cookie` is passed on: there is one session, and auth makes it.
pub(super) const fn sets_cookies(service: Service) -> bool {
    matches!(service, Service::Auth)
}
