//! The side that receives: a service with an inbox and a worker.

use std::sync::Arc;

use actix_web::web::Data;
use contract_prefs::events::PreferencesChanged;
use diesel::{ExpressionMethods, insert_into};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use events::{Inbox, Subscriptions};
use jobs::{Failure, Handlers, Options, Worker};
use service_discovery::Service;
use service_kit::http::Routes;
use testing::Issuer;
use tokio::sync::oneshot;

use crate::{
    served::{Served, no_routes, serve, verifier},
    servers::{connect, pool},
};

const TABLE: &str = "CREATE TABLE effects (version bigint PRIMARY KEY)";

diesel::table! {
    effects (version) {
        version -> BigInt,
    }
}

/// Ends with this value.
pub(super) struct Receiver {
    served: Served,
    _stop: oneshot::Sender<()>,
}

impl Receiver {
    pub(super) async fn start(url: &str, issuer: &Issuer) -> anyhow::Result<Self> {
        connect(url).await?.batch_execute(TABLE).await?;
        let subscriptions = Subscriptions::new().on(Service::Prefs, handle);
        let inbox = Inbox::new(Service::Auth, &subscriptions, Vec::new());
        let (db, verifier) = (pool(url)?, Data::new(verifier(issuer, Service::Auth)?));
        let shared = Data::new(db.clone());
        let routes: Routes = Arc::new(move |config| {
            config.app_data(shared.clone()).app_data(verifier.clone());
            inbox.routes(config);
        });
        let served = serve(Service::Auth, no_routes(), routes)?;
        let handlers = subscriptions.handled_by(Handlers::new());
        let worker = Worker::new(db, handlers, Options::default());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::task::spawn_local(worker.run(async { drop(stopped.await) }));
        Ok(Self { served, _stop: stop })
    }

    /// Where the relay tells it.
    pub(super) fn url(&self) -> &str {
        &self.served.internal
    }
}

/// The least that a handler does: one row.
async fn handle(conn: &mut AsyncPgConnection, event: PreferencesChanged) -> Result<(), Failure> {
    insert_into(effects::table).values(effects::version.eq(event.version)).execute(conn).await?;
    Ok(())
}
