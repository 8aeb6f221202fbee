use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, dev::Server as Running, middleware::from_fn, web};
use observability::Metrics;
use service_discovery::Service;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

use super::{Operations, Readiness, document, health, observe, refusals};
use crate::settings;

/// Adds routes and the state that they need.
pub type Routes = Arc<dyn Fn(&mut ServiceConfig<'_>) + Send + Sync>;

/// What a service serves.
#[derive(Clone)]
pub struct Application {
    /// Which service it is.
    pub service: Service,
    /// What clients (or the gateway) call.
    pub public: Routes,
    /// What only other services call: `/internal/v1/<service>/…`.
    pub internal: Routes,
    /// The head of the OpenAPI document: title, version, security schemes.
    pub about: OpenApi,
    /// Whether this process can serve.
    pub readiness: Readiness,
    /// What Prometheus reads.
    pub metrics: Metrics,
}

/// The two listeners of a service, bound but not yet served.
#[derive(Debug)]
pub struct Server {
    public: TcpListener,
    internal: TcpListener,
    settings: settings::Http,
}

/// How long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(5);

/// How long an idle connection is kept, longer than any caller's pool keeps it.
const KEEP_ALIVE: Duration = Duration::from_secs(90);

impl Server {
    /// Binds both listeners; with port 0 the system chooses.
    ///
    /// # Errors
    /// When an address is taken or not ours; the message names it.
    pub fn bind(settings: &settings::Http) -> io::Result<Self> {
        let public = listen(settings.bind)?;
        let internal = listen(settings.internal_bind)?;
        Ok(Self { public, internal, settings: settings.clone() })
    }

    /// Where the public and the internal listener are.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.public.local_addr()?, self.internal.local_addr()?))
    }

    /// Serves until `stop` ends; then says that it is not ready, waits until that is
    /// known, lets what runs finish, and returns.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, application: Application, stop: impl Future<Output = ()>) -> io::Result<()> {
        let (public, internal) = self.addresses()?;
        tracing::info!(service = %application.service, %public, %internal, "serving");
        let readiness = application.readiness.clone();
        let settings = self.settings;
        let public = serve(self.public, settings.workers, settings.grace, &application, false)?;
        let internal = serve(self.internal, 1, Duration::from_secs(1), &application, true)?;
        let (public_handle, internal_handle) = (public.handle(), internal.handle());
        let both = futures_util::future::try_join(public, internal);
        tokio::pin!(both);
        tokio::select! {
            ended = &mut both => return ended.map(|_| ()),
            () = stop => {}
        }
        readiness.drain();
        tokio::time::sleep(settings.drain).await;
        let finish = async {
            public_handle.stop(true).await;
            internal_handle.stop(true).await;
        };
        tokio::join!(both, finish).0.map(|_| ())
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).map_err(|why| io::Error::new(why.kind(), format!("{address}: {why}")))
}

/// One listener with the routes of its side. Both have health; the internal one has
/// metrics, the public one its OpenAPI document.
fn serve(
    listener: TcpListener,
    workers: usize,
    grace: Duration,
    application: &Application,
    internal: bool,
) -> io::Result<Running> {
    let routes = Arc::clone(if internal { &application.internal } else { &application.public });
    let about = application.about.clone();
    let described = document(about, |config| routes(config));
    let operations = web::Data::new(Operations::of(&described));
    let described = web::Bytes::from(described.to_json().unwrap_or_default());
    let readiness = web::Data::new(application.readiness.clone());
    let metrics = web::Data::new(application.metrics.clone());
    let service = application.service;
    let server = HttpServer::new(move || {
        let (routes, described) = (Arc::clone(&routes), described.clone());
        App::new()
            .app_data(operations.clone())
            .app_data(readiness.clone())
            .app_data(metrics.clone())
            .app_data(web::PathConfig::default().error_handler(refusals::bad_path))
            .app_data(web::QueryConfig::default().error_handler(refusals::bad_query))
            .configure(health::routes)
            .configure(|config| extras(config, service, internal, described))
            .into_utoipa_app()
            .configure(|config| routes(config))
            .into_app()
            .default_service(web::to(refusals::nowhere))
            .wrap(from_fn(observe::observe))
    });
    Ok(server
        .workers(workers)
        .client_request_timeout(HEAD)
        .keep_alive(KEEP_ALIVE)
        .tcp_nodelay(true)
        .shutdown_timeout(grace.as_secs())
        .disable_signals()
        .listen(listener)?
        .run())
}

fn extras(config: &mut web::ServiceConfig, service: Service, internal: bool, described: web::Bytes) {
    if internal {
        config.route("/metrics", web::get().to(health::metrics));
    } else {
        let reply = move || {
            let reply = HttpResponse::Ok().content_type("application/json").body(described.clone());
            std::future::ready(reply)
        };
        config.route(&format!("/api/v1/{service}/openapi.json"), web::get().to(reply));
    }
}
