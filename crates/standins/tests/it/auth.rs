use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Data, Form, Path},
};
use contract_auth::{Mail, MailKind, Secret, TokenRequest, routes};
use identity::{Claims, Feed, REVOCATIONS_PATH, SigningKey, jwks_path};
use ids::{MailId, SessionId, Timestamp};
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Map, json};
use service_discovery::Service;

/// The issuer of tokens.
pub(crate) const ORIGIN: &str = "https://api.example.com";

/// What the mailbox needs of auth's internal listener: keys, revocations, tokens, mails.
pub(crate) struct Auth {
    pub(crate) url: String,
    pub(crate) state: Arc<State>,
    handle: ServerHandle,
}

pub(crate) struct State {
    key: SigningKey,
    mails: Mutex<HashMap<MailId, Mail>>,
    /// Every request for a mail is answered with 503.
    pub(crate) down: AtomicBool,
    pub(crate) fetched: AtomicUsize,
}

impl Auth {
    pub(crate) fn start() -> Self {
        let state = Arc::new(State {
            key: SigningKey::from_seed(&[1; 32]).unwrap(),
            mails: Mutex::default(),
            down: AtomicBool::new(false),
            fetched: AtomicUsize::new(0),
        });
        let data = Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route(&jwks_path(Service::Auth), web::get().to(keys))
                .route(REVOCATIONS_PATH, web::get().to(feed))
                .route(routes::TOKEN, web::post().to(token))
                .route(routes::MAIL, web::get().to(mail))
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, state, handle }
    }

    /// Has a mail to be asked for.
    pub(crate) fn holds(&self, to: &str, kind: MailKind) -> MailId {
        let mail = Mail {
            id: MailId::generate(),
            kind,
            to: to.to_owned(),
            user_id: None,
            org_id: None,
            link: Some(Secret::from("https://app.example.com/verify-email?token=plt_x")),
            token: Some(Secret::from("plt_x")),
            expires_at: None,
            variables: Map::new(),
            created_at: Timestamp::now(),
        };
        let id = mail.id;
        self.state.mails.lock().unwrap().insert(id, mail);
        id
    }

    /// The token of `client` for `audience`.
    pub(crate) fn token(&self, client: Service, audience: Service) -> String {
        self.state.key.sign(&claims(client, audience.name())).unwrap()
    }
}

impl Drop for Auth {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

fn claims(client: Service, audience: &str) -> Claims {
    let now = Timestamp::now();
    Claims {
        iss: ORIGIN.to_owned(),
        sub: Claims::service_subject(client),
        aud: audience.to_owned(),
        exp: (now + Duration::from_secs(300)).unix_seconds(),
        iat: now.unix_seconds(),
        jti: SessionId::generate().to_string(),
        org: None,
        scope: "".parse().unwrap(),
        roles: Vec::new(),
        ver: 0,
        sid: None,
        sver: 0,
        auth_time: None,
        amr: Vec::new(),
        rpm: None,
        act: None,
    }
}

async fn keys(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(JwkSet { keys: vec![state.key.public_jwk()] })
}

async fn feed() -> HttpResponse {
    HttpResponse::Ok().json(Feed::default())
}

async fn token(request: HttpRequest, form: Form<TokenRequest>, state: Data<State>) -> HttpResponse {
    assert!(request.headers().contains_key("authorization"));
    assert_eq!((form.grant_type.as_str(), form.audience.as_deref()), ("client_credentials", Some("auth")));
    HttpResponse::Ok().json(json!({
        "access_token": state.key.sign(&claims(Service::Notify, "auth")).unwrap(),
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "",
    }))
}

async fn mail(request: HttpRequest, id: Path<MailId>, state: Data<State>) -> HttpResponse {
    state.fetched.fetch_add(1, Ordering::SeqCst);
    assert!(request.headers().contains_key("authorization"));
    if state.down.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    match state.mails.lock().unwrap().get(&*id) {
        Some(mail) => HttpResponse::Ok().json(mail),
        None => HttpResponse::NotFound().content_type("application/problem+json").json(json!({
            "type": "/docs/problems#not-found", "title": "Not found", "status": 404, "detail": "no",
            "code": "mail_not_found",
        })),
    }
}
