use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody, http::header::SET_COOKIE};
use contract_auth::{CookieSession, Secret, Tokens};
use ids::SessionId;

use super::cookie;

/// What a client goes on with: the reply of whatever opens or renews a session.
#[derive(Debug)]
pub(crate) enum Pass {
    /// A pair of tokens.
    Tokens(Tokens),
    /// A cookie.
    Cookie {
        /// Which session it stands for.
        session: SessionId,
        /// Its value.
        text: Secret,
        /// How long the session lasts without being used.
        lasts: Duration,
    },
}

impl Responder for Pass {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        match self {
            Self::Tokens(tokens) => HttpResponse::Ok().json(tokens),
            Self::Cookie { session, text, lasts } => {
                let expires_in = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX);
                let body = CookieSession { session_id: session, expires_in };
                HttpResponse::Ok().insert_header((SET_COOKIE, cookie::set(&text, lasts))).json(body)
            }
        }
    }
}
