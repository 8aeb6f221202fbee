//! A service in this process, served as real ones are.

use std::{sync::Arc, time::Duration};

use identity::{Feed, Revocations, Trusted, Verifier};
use observability::Metrics;
use service_discovery::{Registry, Service};
use service_kit::{
    http::{Application, Readiness, Routes, Server, about},
    settings::Http,
};
use testing::Issuer;
use tokio::sync::oneshot;

/// Ends with this value.
pub(crate) struct Served {
    /// The base URL of the public listener.
    pub(crate) public: String,
    /// The base URL of the internal listener.
    pub(crate) internal: String,
    _stop: oneshot::Sender<()>,
}

/// Serves on ports that the system chooses.
pub(crate) fn serve(service: Service, public: Routes, internal: Routes) -> anyhow::Result<Served> {
    let anywhere = ([127, 0, 0, 1], 0).into();
    let brief = Duration::ZERO;
    let settings = Http {
        bind: anywhere,
        internal_bind: anywhere,
        workers: 2,
        drain: brief,
        grace: brief,
        tls: None,
        http2: false,
    };
    let server = Server::bind(&settings)?;
    let (public_address, internal_address) = server.addresses()?;
    let application = Application {
        service,
        public,
        internal,
        about: about("Bench", "To be measured."),
        readiness: Readiness::new(),
        metrics: Metrics::new(service.name())?,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::task::spawn_local(server.run(application, async { drop(stopped.await) }));
    Ok(Served {
        public: format!("http://{public_address}"),
        internal: format!("http://{internal_address}"),
        _stop: stop,
    })
}

/// Nothing on that listener.
pub(crate) fn no_routes() -> Routes {
    Arc::new(|_| {})
}

/// Accepts what `issuer` mints for `service`, as behind the gateway; nothing is revoked.
pub(crate) fn verifier(issuer: &Issuer, service: Service) -> anyhow::Result<Verifier> {
    let trusted = Trusted::gateway(&registry("GATEWAY_INTERNAL_URL", issuer.url())?, service)?;
    let revocations = Revocations::default();
    revocations.take(Feed::default());
    Ok(Verifier::new(vec![trusted], revocations))
}

/// Knows one service by the variable that says where it is.
pub(crate) fn registry(variable: &str, url: &str) -> anyhow::Result<Registry> {
    let find = |name: &str| (name == variable).then(|| url.to_owned());
    Registry::read(find).map_err(|faults| anyhow::anyhow!("{faults:?}"))
}
