//! A service with one trivial POST: BEGIN, one INSERT, COMMIT.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    web::{self, Data},
};
use diesel::{ExpressionMethods, insert_into};
use diesel_async::RunQueryDsl;
use idempotency::Idempotency;
use identity::{Can, Permission};
use problem::HttpError;
use sealing::Keyring;
use serde::{Deserialize, Serialize};
use service_discovery::Service;
use service_kit::{
    db::{Db, Error},
    http::{Routes, Strict},
};
use testing::Issuer;

use crate::{
    served::{Served, no_routes, serve, verifier},
    servers::{connect, pool},
};

/// The path of the POST.
pub(super) const PATH: &str = "/things";

/// Whose tokens it takes.
pub(super) const SERVICE: Service = Service::Order;

const TABLE: &str =
    "CREATE TABLE things (id bigserial PRIMARY KEY, org_id uuid NOT NULL, name text NOT NULL)";

diesel::table! {
    things (id) {
        id -> BigInt,
        org_id -> Uuid,
        name -> Text,
    }
}

/// What is asked for, and what is answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thing {
    pub(super) name: String,
}

pub(super) enum WriteThings {}

impl Permission for WriteThings {
    const SCOPE: &'static str = "things:write";
}

async fn create_thing(
    caller: Can<WriteThings>,
    Strict(new): Strict<Thing>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    once.run(&db, async |conn| {
        let row = (things::org_id.eq(caller.org), things::name.eq(&new.name));
        insert_into(things::table).values(row).execute(conn).await.map_err(Error::from)?;
        Ok(HttpResponse::Created().json(&new))
    })
    .await
}

pub(super) async fn serve_things(url: &str, issuer: &Issuer) -> anyhow::Result<Served> {
    connect(url).await?.batch_execute(TABLE).await?;
    let db = Data::new(pool(url)?);
    let verifier = Data::new(verifier(issuer, SERVICE)?);
    // Any key of 32 bytes seals as fast as another.
    let keyring = Data::new(Keyring::parse("bench:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?);
    let routes: Routes = Arc::new(move |config| {
        config.app_data(db.clone()).app_data(verifier.clone()).app_data(keyring.clone());
        config.route(PATH, web::post().to(create_thing));
    });
    serve(SERVICE, routes, no_routes())
}
