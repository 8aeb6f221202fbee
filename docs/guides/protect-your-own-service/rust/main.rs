//! A service that takes Plinth's tokens: `protected-service PLINTH_URL PORT`.

mod plinth_tokens;

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    App, FromRequest, HttpRequest, HttpResponse, HttpServer, dev::Payload, error::InternalError,
    http::header, web,
};
use plinth_tokens::{Caller, Refusal, Verifier};

struct Plinth {
    url: String,
    http: reqwest::Client,
    verifier: Verifier,
}

/// A handler that has this argument is called for those who show a good token alone.
struct Proven {
    caller: Caller,
    token: String,
}

impl FromRequest for Proven {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let plinth = request.app_data::<web::Data<Plinth>>().cloned();
        let token = bearer(request).map(str::to_owned);
        Box::pin(async move {
            let (Some(plinth), Some(token)) = (plinth, token) else { return Err(challenge("Bearer")) };
            match plinth.verifier.verify(&token).await {
                Ok(caller) => Ok(Self { caller, token }),
                Err(Refusal::Unauthenticated) => Err(challenge("Bearer error=\"invalid_token\"")),
                Err(Refusal::NoKeys) => Err(refuse(HttpResponse::ServiceUnavailable().finish())),
            }
        })
    }
}

impl Proven {
    fn must_hold(&self, scope: &str) -> Result<(), actix_web::Error> {
        if self.caller.may(scope) {
            return Ok(());
        }
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        Err(refuse(HttpResponse::Forbidden().insert_header((header::WWW_AUTHENTICATE, challenge)).finish()))
    }
}

async fn read_report(who: Proven) -> Result<HttpResponse, actix_web::Error> {
    who.must_hold("orders:read")?;
    let Caller { user, org, actor, .. } = who.caller;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "reader": user, "of": org, "through": actor })))
}

/// What must not happen once a session is ended asks Plinth: one request more, and it is sure.
async fn delete_report(who: Proven, plinth: web::Data<Plinth>) -> Result<HttpResponse, actix_web::Error> {
    who.must_hold("orders:write")?;
    let me = plinth.http.get(format!("{}/api/v1/auth/me", plinth.url)).bearer_auth(&who.token).send().await;
    match me.map(|reply| reply.status().as_u16()) {
        Ok(200) => Ok(HttpResponse::NoContent().finish()),
        Ok(401) => Err(challenge("Bearer error=\"invalid_token\"")),
        _ => Err(refuse(HttpResponse::ServiceUnavailable().finish())),
    }
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let (kind, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    kind.eq_ignore_ascii_case("bearer").then_some(token)
}

fn challenge(text: &'static str) -> actix_web::Error {
    refuse(HttpResponse::Unauthorized().insert_header((header::WWW_AUTHENTICATE, text)).finish())
}

fn refuse(reply: HttpResponse) -> actix_web::Error {
    InternalError::from_response("refused", reply).into()
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(port)) = (arguments.next(), arguments.next()) else {
        return Err("usage: protected-service PLINTH_URL PORT".into());
    };
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let verifier = Verifier::new(&url, http.clone());
    let plinth = web::Data::new(Plinth { url, http, verifier });
    let report = || web::resource("/report").get(read_report).delete(delete_report);
    let service = HttpServer::new(move || App::new().app_data(plinth.clone()).service(report()));
    Ok(service.bind(("127.0.0.1", port.parse()?))?.run().await?)
}
