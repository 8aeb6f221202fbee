//! A service with one operation, whose effect can be counted.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    cookie::Cookie,
    http::header::{CACHE_CONTROL, ETAG, LOCATION},
    post,
    web::{Data, Path},
};
use diesel::{
    sql_query,
    sql_types::{Integer, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use idempotency::{Idempotency, Key, Keyed, LARGEST};
use identity::{Can, Permission, Principal};
use problem::{HttpError, Kind, Problem};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::{
    db::{Db, Error},
    http::{Credentialed, Strict},
};
use tokio::{sync::Semaphore, time::timeout};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The table of effects.
pub(crate) const TABLE: &str =
    "CREATE TABLE things (id serial PRIMARY KEY, org_id uuid NOT NULL, name text NOT NULL, n int NOT NULL)";

#[derive(Debug)]
enum WriteThings {}

impl Permission for WriteThings {
    const SCOPE: &'static str = "things:write";
}

/// What is made, and how its making goes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewThing {
    pub(crate) n: i32,
    #[serde(default)]
    pub(crate) course: Course,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Course {
    #[default]
    Straight,
    /// It waits at the [`Gate`] after its effect.
    Waits,
    /// It is refused after its effect.
    Fails,
    /// Its reply is larger than is kept.
    Talks,
    /// Its reply holds a cookie.
    Bakes,
}

/// Where work waits in the middle.
pub(crate) struct Gate {
    pub(crate) arrived: Semaphore,
    pub(crate) open: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self { arrived: Semaphore::new(0), open: Semaphore::new(0) }
    }
}

impl Gate {
    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until somebody stands at the gate.
    pub(crate) async fn somebody(&self) {
        timeout(PATIENCE, self.arrived.acquire()).await.unwrap().unwrap().forget();
    }
}

/// Makes a thing.
#[utoipa::path(
    params(("name" = String, Path, description = "Its name"), Key),
    request_body = NewThing,
    responses((status = 201, description = "Made"), Credentialed, Keyed),
    security(("bearer" = ["things:write"]))
)]
#[post("/things/{name}")]
async fn create_thing(
    caller: Can<WriteThings>,
    name: Path<String>,
    Strict(new): Strict<NewThing>,
    once: Idempotency,
    db: Data<Db>,
    gate: Data<Gate>,
) -> Result<HttpResponse, HttpError> {
    once.run(&db, async |conn| {
        let insert = sql_query("INSERT INTO things (org_id, name, n) VALUES ($1, $2, $3)");
        let insert = insert.bind::<Uuid, _>(caller.org).bind::<Text, _>(&*name).bind::<Integer, _>(new.n);
        insert.execute(conn).await.map_err(Error::from)?;
        let mut reply = HttpResponse::Created();
        match new.course {
            Course::Straight => {}
            Course::Waits => gate.pass().await,
            Course::Fails => return Err(Problem::new(Kind::Conflict, "full", "there are enough").into()),
            Course::Talks => return Ok(reply.body("a".repeat(LARGEST + 1))),
            Course::Bakes => return Ok(reply.cookie(Cookie::new("session", "secret")).finish()),
        }
        reply.insert_header((LOCATION, format!("/things/{name}/{}", new.n)));
        reply.insert_header((ETAG, "\"1\"")).insert_header((CACHE_CONTROL, "no-cache"));
        Ok(reply.json(json!({"n": new.n, "at": ids::Timestamp::now()})))
    })
    .await
}

/// Does something to what the credential names: the session.
#[utoipa::path(params(Key), responses((status = 204, description = "Left"), Keyed))]
#[post("/leave")]
async fn leave(caller: Principal, once: Idempotency, db: Data<Db>) -> Result<HttpResponse, HttpError> {
    let session = caller.session()?;
    once.about(session)
        .run(&db, async |conn| {
            let leave = sql_query("INSERT INTO things (org_id, name, n) VALUES ($1, $2, 1)");
            let leave = leave.bind::<Uuid, _>(caller.org).bind::<Text, _>(session.to_string());
            leave.execute(conn).await.map_err(Error::from)?;
            Ok(HttpResponse::NoContent())
        })
        .await
}

/// Makes a thing whose reply is a secret, and so takes no key.
#[utoipa::path(responses((status = 200, description = "A secret")), security(("bearer" = ["things:write"])))]
#[post("/secrets")]
async fn create_secret(_caller: Can<WriteThings>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// Takes a key, a caller and no body.
#[utoipa::path(responses((status = 204, description = "Rung")))]
#[post("/bell")]
async fn ring(once: Idempotency, db: Data<Db>) -> Result<HttpResponse, HttpError> {
    once.run(&db, async |conn| {
        let ring = sql_query("INSERT INTO things (org_id, name, n) VALUES (gen_random_uuid(), 'bell', 1)");
        ring.execute(conn).await.map_err(Error::from)?;
        Ok(HttpResponse::NoContent())
    })
    .await
}

pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(create_thing).service(create_secret).service(ring).service(leave);
}
