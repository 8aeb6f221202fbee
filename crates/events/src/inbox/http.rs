use actix_web::web;
use contract_events::{Batch, Envelope, EventType, Received, catalogue_path, inbox_path};
use identity::CallingService;
use jobs::NewJob;
use problem::HttpError;
use serde::Serialize;
use service_discovery::Service;
use service_kit::{db::Db, http::Strict};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Subscriptions, job::HandleEvent, store, subscriptions::Wanted};

/// What a service has for the others' events on its internal listener: the route that
/// takes them, and the one that lists its own types. Both want a service's token.
#[derive(Clone, Debug)]
pub struct Inbox {
    service: Service,
    wanted: web::Data<Wanted>,
    catalogue: web::Data<Vec<EventType>>,
}

/// The types of events that a service publishes.
#[derive(Debug, Serialize)]
struct Catalogue<'a> {
    data: &'a [EventType],
}

impl Inbox {
    /// Of `service`, which wants `subscriptions` and publishes what `catalogue` lists.
    #[must_use]
    pub fn new(service: Service, subscriptions: &Subscriptions, catalogue: Vec<EventType>) -> Self {
        Self { service, wanted: web::Data::new(subscriptions.wanted()), catalogue: web::Data::new(catalogue) }
    }

    /// Adds the routes. They need a `Data<Db>` and a `Data<Verifier>` beside them.
    pub fn routes(&self, config: &mut ServiceConfig<'_>) {
        config
            .app_data(self.wanted.clone())
            .app_data(self.catalogue.clone())
            .route(&inbox_path(self.service.name()), web::post().to(receive))
            .route(&catalogue_path(self.service.name()), web::get().to(list));
    }
}

/// Takes a batch: when the answer comes, what is wanted of it is in the queue.
async fn receive(
    CallingService(publisher): CallingService,
    Strict(batch): Strict<Batch>,
    wanted: web::Data<Wanted>,
    db: web::Data<Db>,
) -> Result<web::Json<Received>, HttpError> {
    let is_wanted = |event: &Envelope| wanted.iter().any(|one| *one == (publisher, event.kind.as_str()));
    let events: Vec<Envelope> = batch.events.into_iter().filter(is_wanted).collect();
    if events.is_empty() {
        return Ok(web::Json(Received { accepted: 0 }));
    }
    let accepted = db.transaction(async |conn| {
        let fresh = store::note(conn, publisher, &events).await?;
        for event in events.into_iter().filter(|event| fresh.contains(&event.id)) {
            // The platform's own: whoever may cancel their jobs must not cancel what the platform owes.
            let job = NewJob::of(&HandleEvent { publisher: publisher.to_string(), event });
            let job = job.map_err(jobs::EnqueueError::from)?;
            job.enqueue(conn).await?;
        }
        Ok::<_, jobs::EnqueueError>(fresh.len())
    });
    Ok(web::Json(Received { accepted: accepted.await? }))
}

async fn list(_caller: CallingService, catalogue: web::Data<Vec<EventType>>) -> web::Json<serde_json::Value> {
    web::Json(serde_json::json!(Catalogue { data: &catalogue }))
}
