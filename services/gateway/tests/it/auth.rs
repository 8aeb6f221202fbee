use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Data, Form},
};
use contract_auth::{ApiKeyText, SESSION_COOKIE, TokenRequest, routes, token_type};
use data_encoding::BASE64;
use identity::{Claims, Feed, REVOCATIONS_PATH, Revocation, SigningKey, Since, jwks_path};
use ids::{ApiKeyId, OrgId, SessionId, Timestamp, UserId};
use jsonwebtoken::jwk::JwkSet;
use serde_json::json;
use service_discovery::Service;

use crate::spawn::{CLIENT_SECRET, ORIGIN};

/// What the gateway needs of auth's internal listener, in the documented wire
/// format: keys, the exchange of API keys, and the feed of revocations.
pub(crate) struct Auth {
    pub(crate) url: String,
    pub(crate) state: Arc<State>,
    handle: ServerHandle,
}

pub(crate) struct State {
    pub(crate) key: SigningKey,
    pub(crate) keys_fetched: AtomicUsize,
    pub(crate) exchanges: AtomicUsize,
    /// Every request is answered with 503.
    pub(crate) down: AtomicBool,
    /// The keys, cookies and tickets that are good.
    pub(crate) known: Mutex<Vec<String>>,
    /// How many requests a minute the keys may send.
    pub(crate) requests_a_minute: Mutex<Option<u32>>,
    /// How long ago an exchanged token seems to be made, and how long it holds, seconds.
    pub(crate) age_and_lifetime: Mutex<(i64, i64)>,
    /// Whose key tokens are exchanged for: the user, their version, and the key.
    pub(crate) holder: Mutex<(UserId, i64, ApiKeyId)>,
    /// All that was revoked; a cursor is how much of it was told.
    revoked: Mutex<Vec<Revocation>>,
}

impl Auth {
    pub(crate) fn start() -> Self {
        let state = Arc::new(State {
            key: SigningKey::from_seed(&[1; 32]).unwrap(),
            keys_fetched: AtomicUsize::new(0),
            exchanges: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            known: Mutex::default(),
            requests_a_minute: Mutex::default(),
            age_and_lifetime: Mutex::new((0, 900)),
            holder: Mutex::new((UserId::generate(), 3, ApiKeyId::generate())),
            revoked: Mutex::default(),
        });
        let data = Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route(&jwks_path(Service::Auth), web::get().to(keys))
                .route(routes::TOKEN, web::post().to(token))
                .route(REVOCATIONS_PATH, web::get().to(feed))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, state, handle }
    }

    /// A token as a client gets it by logging in.
    pub(crate) fn token(&self) -> String {
        self.sign(&claims())
    }

    pub(crate) fn sign(&self, claims: &Claims) -> String {
        self.state.key.sign(claims).unwrap()
    }

    /// A new API key that auth knows.
    pub(crate) fn api_key(&self) -> String {
        let key = unknown_key();
        self.state.known.lock().unwrap().push(key.clone());
        key
    }

    /// A new session's cookie, as the browser sends it.
    pub(crate) fn cookie(&self) -> String {
        format!("{SESSION_COOKIE}={}", self.knows("plc_"))
    }

    /// A new ticket, good for once.
    pub(crate) fn ticket(&self) -> String {
        self.knows("plt_")
    }

    fn knows(&self, prefix: &str) -> String {
        let text = format!("{prefix}{}", SessionId::generate());
        self.state.known.lock().unwrap().push(text.clone());
        text
    }

    pub(crate) fn revoke(&self, revocation: Revocation) {
        self.state.revoked.lock().unwrap().push(revocation);
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.state.exchanges.load(Ordering::SeqCst)
    }

    pub(crate) fn keys_fetched(&self) -> usize {
        self.state.keys_fetched.load(Ordering::SeqCst)
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }
}

impl Drop for Auth {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// A well-formed API key.
pub(crate) fn unknown_key() -> String {
    ApiKeyText::generate(ApiKeyId::generate(), "dev").unwrap().expose().expose().to_owned()
}

/// What a client's token says.
pub(crate) fn claims() -> Claims {
    let now = Timestamp::now();
    Claims {
        iss: ORIGIN.to_owned(),
        sub: UserId::generate().to_string(),
        aud: "plinth".to_owned(),
        exp: (now + Duration::from_secs(900)).unix_seconds(),
        iat: now.unix_seconds(),
        jti: SessionId::generate().to_string(),
        org: Some(OrgId::generate()),
        scope: "prefs:read prefs:write".parse().unwrap(),
        roles: vec!["USER".to_owned()],
        ver: 3,
        sid: Some(SessionId::generate().to_string()),
        sver: 0,
        auth_time: None,
        amr: Vec::new(),
        rpm: None,
        act: None,
    }
}

async fn feed(since: web::Query<Since>, state: Data<State>) -> HttpResponse {
    if state.down.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let revoked = state.revoked.lock().unwrap();
    let told = since.since.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
    HttpResponse::Ok().json(Feed { cursor: revoked.len().to_string(), revocations: revoked[told..].to_vec() })
}

async fn keys(state: Data<State>) -> HttpResponse {
    state.keys_fetched.fetch_add(1, Ordering::SeqCst);
    if state.down.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    HttpResponse::Ok().json(JwkSet { keys: vec![state.key.public_jwk()] })
}

async fn token(request: HttpRequest, form: Form<TokenRequest>, state: Data<State>) -> HttpResponse {
    state.exchanges.fetch_add(1, Ordering::SeqCst);
    if state.down.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let basic = BASE64.encode(format!("gateway:{CLIENT_SECRET}").as_bytes());
    let given = request.headers().get("authorization").unwrap();
    if given.to_str().unwrap() != format!("Basic {basic}") {
        return refusal(401, "invalid_client");
    }
    assert_eq!(form.grant_type, "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!(form.audience.as_deref(), Some("plinth"));
    let text = form.subject_token.as_ref().unwrap().expose();
    let kind = match &text[..4] {
        "plk_" => token_type::API_KEY,
        "plc_" => token_type::SESSION_COOKIE,
        _ => token_type::WS_TICKET,
    };
    assert_eq!(form.subject_token_type.as_deref(), Some(kind));
    {
        let mut known = state.known.lock().unwrap();
        let Some(at) = known.iter().position(|known| known == text) else {
            return refusal(400, "invalid_grant");
        };
        if kind == token_type::WS_TICKET {
            known.remove(at);
        }
    }
    let (age, lifetime) = *state.age_and_lifetime.lock().unwrap();
    let (user, version, key_id) = *state.holder.lock().unwrap();
    let now = Timestamp::now().unix_seconds();
    let issued = Claims {
        iat: now - age,
        exp: now + lifetime,
        sub: user.to_string(),
        ver: version,
        sid: Some(key_id.to_string()),
        rpm: *state.requests_a_minute.lock().unwrap(),
        ..claims()
    };
    HttpResponse::Ok().json(json!({
        "access_token": state.key.sign(&issued).unwrap(),
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": issued.scope.to_string(),
    }))
}

fn refusal(status: u16, code: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap();
    let body = json!({
        "type": "/docs/problems#malformed", "title": "Malformed", "status": status.as_u16(), "detail": "no", "code": code,
    });
    HttpResponse::build(status).content_type("application/problem+json").json(body)
}
