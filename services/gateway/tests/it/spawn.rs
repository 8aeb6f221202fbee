use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use data_encoding::BASE64;
use gateway::{App, Reloader, Settings, Source};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use service_discovery::Service;
use service_kit::settings::Reader;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{auth::Auth, upstream::Upstream};

pub(crate) const CLIENT_SECRET: &str = "a secret that only the tests know";
/// The origin of the gateway as its clients see it: what tokens are issued by.
pub(crate) const ORIGIN: &str = "https://api.example.com";
/// Another origin whose pages may call.
pub(crate) const TRUSTED: &str = "https://app.example.com";

/// A gateway, with what stands behind it.
pub(crate) struct World {
    pub(crate) auth: Auth,
    /// Both of them: `auth` and `prefs` as the gateway reaches them.
    pub(crate) upstream: Upstream,
    pub(crate) gateway: Gateway,
}

pub(crate) struct Gateway {
    pub(crate) address: String,
    pub(crate) internal: String,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) reloader: Reloader,
    pub(crate) ended: JoinHandle<std::io::Result<()>>,
}

pub(crate) async fn spawn() -> World {
    spawn_with(&[]).await
}

/// With variables besides the usual ones, or in their place.
pub(crate) async fn spawn_with(variables: &[(&str, &str)]) -> World {
    let auth = Auth::start();
    let upstream = Upstream::start("one");
    let mut all = vec![
        ("AUTH_INTERNAL_URL", auth.url.as_str()),
        ("AUTH_SERVICE_URL", &upstream.url),
        ("PREFS_SERVICE_URL", &upstream.url),
    ];
    all.extend_from_slice(variables);
    let gateway = Gateway::start(&all).await;
    testing::until_ready(&format!("http://{}", gateway.address)).await;
    World { auth, upstream, gateway }
}

impl Gateway {
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let keys = BASE64.encode(&[9; 32]);
        let mut all = vec![
            ("PLINTH_TRUSTED_ORIGINS", TRUSTED),
            ("GATEWAY__TOKEN__KEYS", &keys),
            // What the stand-ins stand in for.
            ("GATEWAY__SERVICES", "auth,prefs"),
        ];
        all.extend_from_slice(variables);
        Self::start_from(None, &all).await
    }

    /// With a file of settings, which may say what no variable says.
    pub(crate) async fn start_from(file: Option<PathBuf>, variables: &[(&str, &str)]) -> Self {
        let redis = testing::redis_url();
        let usual = [
            ("PLINTH_ENV", "development"),
            ("PLINTH_PUBLIC_URL", ORIGIN),
            ("GATEWAY__HTTP__BIND", "127.0.0.1:0"),
            ("GATEWAY__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
            ("GATEWAY__HTTP__WORKERS", "2"),
            ("GATEWAY__CLIENT__SECRET", CLIENT_SECRET),
            ("GATEWAY__REDIS__URL", &redis),
            // A busy machine is no Redis that is away.
            ("GATEWAY__REDIS__PATIENCE_MS", "20000"),
            ("GATEWAY__ACCESS_LOG", "off"),
            // Requests are counted: who wants checks asks for them.
            ("GATEWAY__HEALTH__INTERVAL_MS", "0"),
            // All tests come from one address.
            ("GATEWAY__LIMITS__ENFORCED", "false"),
        ];
        let all = usual.iter().chain(variables);
        let all: Vec<_> = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let read = move |file: Option<&Path>| {
            Settings::read(Reader::new(Service::Gateway, file, all.iter().cloned()))
        };
        let source = Source::read_by(file, read);
        let app = App::build(source.settings().unwrap()).await.unwrap().following(source);
        let reloader = app.reloader();
        let (public, internal) = app.addresses().unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = actix_web::rt::spawn(app.run(async move {
            let _ = stopped.await;
        }));
        Self {
            address: public.to_string(),
            internal: internal.to_string(),
            http: testing::http(),
            stop: Some(stop),
            reloader,
            ended,
        }
    }

    /// As SIGTERM does.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn get_with(&self, path: &str, token: &str) -> RequestBuilder {
        self.get(path).bearer_auth(token)
    }
}

/// The status and the `code` of a problem, which must name the request.
pub(crate) async fn problem(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["request_id"], id.as_str(), "{body}");
    assert_eq!(body["status"], status);
    (status, body["code"].as_str().unwrap().to_owned())
}

/// Waits until `done`, for a few seconds at most.
pub(crate) async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..100 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}
