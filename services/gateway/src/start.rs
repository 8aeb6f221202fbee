use std::{io, net::SocketAddr, process::ExitCode, sync::Arc};

use actix_web::{HttpResponse, web};
use deadpool_redis::CreatePoolError;
use identity::{SigningKey, jwks_path};
use jsonwebtoken::jwk::JwkSet;
use observability::Metrics;
use service_discovery::{CallError, Peer, PeerOptions, Service};
use service_kit::{
    http::{Application, Readiness, Routes, Server, document},
    settings::Faults,
    signals,
};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

use crate::{
    cors::Origins,
    credential::{Credentials, Exchanges, Shared, edge_verifier},
    document::Library,
    inward::Mint,
    path::Table,
    proxy::{Door, Endpoints, Upstream},
    routes,
    settings::Settings,
    status::Board,
};

/// The gateway, bound but not yet serving.
pub struct App {
    server: Server,
    application: Application,
    endpoints: Endpoints,
}

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener cannot be bound.
    #[error("{0}")]
    Listen(#[from] io::Error),
    /// A service cannot be reached as the registry says.
    #[error("{0}")]
    Peer(#[from] CallError),
    /// Redis cannot be set up.
    #[error("{0}")]
    Redis(#[from] CreatePoolError),
    /// A metric cannot be set up.
    #[error("{0}")]
    Metrics(String),
    /// Logs cannot be set up.
    #[error("{0}")]
    Logs(#[from] observability::StartError),
}

impl App {
    /// Binds both listeners and sets up everything that requests need.
    ///
    /// # Errors
    /// [`StartError`] says what is missing.
    pub async fn build(settings: Settings) -> Result<Self, StartError> {
        let server = Server::bind(&settings.http)?;
        let bases = settings.services.iter().flat_map(|service| settings.registry.public(*service));
        let endpoints = Endpoints::resolve(bases).await;
        let application = Application {
            service: Service::Gateway,
            public: public(&settings, endpoints.clone())?,
            internal: internal(&settings.keys),
            about: about(),
            readiness: Readiness::new(),
            metrics: Metrics::new(Service::Gateway.name())
                .map_err(|why| StartError::Metrics(why.to_string()))?,
        };
        Ok(Self { server, application, endpoints })
    }

    /// Where the public and the internal listener are.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        self.server.addresses()
    }

    /// Serves until `stop` ends and what runs is finished.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        tokio::select! {
            ended = self.server.run(self.application, stop) => ended,
            () = self.endpoints.keep_fresh() => Ok(()),
        }
    }

    /// The verb `serve`: from settings to the end.
    pub async fn serve(settings: Result<Settings, Faults>) -> ExitCode {
        let settings = match settings {
            Ok(settings) => settings,
            Err(faults) => return check(Err(faults)),
        };
        match Box::pin(Self::until_terminated(settings)).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                say(&format!("gateway: {why}"));
                ExitCode::FAILURE
            }
        }
    }

    async fn until_terminated(settings: Settings) -> Result<(), StartError> {
        let _logs = observability::start(&settings.logs)?;
        let app = Self::build(settings).await?;
        let stop = async {
            if let Err(why) = signals::terminated().await {
                tracing::error!(%why, "signals cannot be watched");
            }
        };
        Ok(app.run(stop).await?)
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The verb `check-config`: every fault on stderr, and 2.
#[must_use]
pub fn check(settings: Result<Settings, Faults>) -> ExitCode {
    match settings {
        Ok(_) => ExitCode::SUCCESS,
        Err(faults) => {
            say(&faults.to_string());
            ExitCode::from(2)
        }
    }
}

/// The verb `openapi`: the document of the gateway's own routes on stdout.
#[must_use]
#[expect(clippy::print_stdout, reason = "printing is what the verb is for")]
pub fn print_document() -> ExitCode {
    match document(about(), routes).to_pretty_json() {
        Ok(text) => println!("{text}"),
        Err(_) => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "before there are logs")]
fn say(line: &str) {
    eprintln!("{line}");
}

fn about() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Plinth")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("All services of Plinth through one door."))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// What all workers share is made here, and what each has for itself when it starts.
fn public(settings: &Settings, endpoints: Endpoints) -> Result<Routes, StartError> {
    let Settings { registry, services, limits, .. } = settings.clone();
    let own = serde_json::to_value(document(about(), routes)).unwrap_or_default();
    let library = web::Data::new(Library::new(own, &registry, &services)?);
    let board = web::Data::new(Board::new(&registry, &services)?);
    let origins = web::Data::new(Origins(registry.trusted_origins()));
    let door = web::Data::new(door(settings)?);
    Ok(Arc::new(move |config| {
        let upstream = Upstream::new(&registry, &services, endpoints.clone(), limits);
        config
            .app_data(web::Data::new(upstream))
            .app_data(library.clone())
            .app_data(board.clone())
            .app_data(origins.clone())
            .app_data(door.clone());
        routes(config);
    }))
}

fn door(settings: &Settings) -> Result<Door, StartError> {
    let auth = Peer::new(settings.registry.internal(Service::Auth), &PeerOptions::default())?;
    let verifier = edge_verifier(&settings.registry)?;
    let exchanges = Exchanges::new(
        contract_auth::Client::new(auth),
        settings.client_secret.clone(),
        verifier.clone(),
        Shared::new(&settings.redis_url)?,
    );
    let origin = settings.registry.public_origin();
    let (scheme, host) = origin.split_once("://").unwrap_or(("http", &origin));
    Ok(Door {
        table: Table::new(&settings.services),
        credentials: Credentials::new(verifier, exchanges),
        mint: Mint::new(Arc::clone(&settings.keys)),
        trusted_proxies: settings.trusted_proxies.clone(),
        scheme: scheme.to_owned(),
        host: host.to_owned(),
        limits: settings.limits,
    })
}

/// The public halves of the keys that sign inward tokens.
fn internal(keys: &[SigningKey]) -> Routes {
    let keys = web::Data::new(JwkSet { keys: keys.iter().map(SigningKey::public_jwk).collect() });
    Arc::new(move |config| {
        let publish = |keys: web::Data<JwkSet>| std::future::ready(HttpResponse::Ok().json(&**keys));
        config.app_data(keys.clone()).route(&jwks_path(Service::Gateway), web::get().to(publish));
    })
}
