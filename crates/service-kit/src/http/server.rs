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

use super::{
    ConnectionLimit, Operations, Readiness, connections::opened, document, health, observe, refusals,
    tls::Certificate,
};
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
    certificate: Option<Certificate>,
    connections: ConnectionLimit,
}

/// How long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(5);

/// How long an idle connection is kept, longer than any caller's pool keeps it.
const KEEP_ALIVE: Duration = Duration::from_secs(90);

impl Server {
    /// Binds both listeners; with port 0 the system chooses.
    ///
    /// # Errors
    /// When an address is taken or not ours, or the certificate cannot be used; the message
    /// names it.
    pub fn bind(settings: &settings::Http) -> io::Result<Self> {
        let public = listen(settings.bind)?;
        let internal = listen(settings.internal_bind)?;
        let certificate = settings.tls.as_ref().map(Certificate::load).transpose()?;
        let connections = ConnectionLimit::none();
        Ok(Self { public, internal, settings: settings.clone(), certificate, connections })
    }

    /// Limits the connections that clients may hold to the public listener.
    #[must_use]
    pub fn limiting(self, connections: ConnectionLimit) -> Self {
        Self { connections, ..self }
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
        let certificate = self.certificate;
        let public = Listener {
            listener: self.public,
            workers: settings.workers,
            grace: settings.grace,
            certificate: certificate.as_ref(),
            http2: settings.http2,
            connections: self.connections,
        };
        let internal = Listener {
            listener: self.internal,
            workers: 1,
            grace: Duration::from_secs(1),
            certificate: None,
            http2: false,
            connections: ConnectionLimit::none(),
        };
        let public = serve(public, &application, false)?;
        let internal = serve(internal, &application, true)?;
        let (public_handle, internal_handle) = (public.handle(), internal.handle());
        let both = futures_util::future::try_join(public, internal);
        tokio::pin!(both);
        tokio::select! {
            ended = &mut both => return ended.map(|_| ()),
            () = keep_fresh(certificate.as_ref()) => {}
            () = stop => {}
        }
        readiness.drain();
        tokio::time::sleep(settings.drain).await;
        readiness.close();
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

async fn keep_fresh(certificate: Option<&Certificate>) {
    match certificate {
        Some(certificate) => certificate.keep_fresh().await,
        None => std::future::pending().await,
    }
}

/// One of the two.
struct Listener<'a> {
    listener: TcpListener,
    workers: usize,
    grace: Duration,
    certificate: Option<&'a Certificate>,
    http2: bool,
    connections: ConnectionLimit,
}

/// One listener with the routes of its side. Both have health; the internal one has
/// metrics, the public one its OpenAPI document.
fn serve(from: Listener<'_>, application: &Application, internal: bool) -> io::Result<Running> {
    let Listener { listener, workers, grace, certificate, http2, connections } = from;
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
    let server = server
        .workers(workers)
        .client_request_timeout(HEAD)
        .keep_alive(KEEP_ALIVE)
        .tcp_nodelay(true)
        .on_connect(move |io, data| opened(&connections, io, data))
        .shutdown_timeout(grace.as_secs())
        .disable_signals();
    Ok(match certificate {
        Some(certificate) => server.listen_rustls_0_23(listener, certificate.config()?)?.run(),
        // It waits for the first bytes as long as they take, so it is for callers that are ours.
        None if http2 => server.listen_auto_h2c(listener)?.run(),
        None => server.listen(listener)?.run(),
    })
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
