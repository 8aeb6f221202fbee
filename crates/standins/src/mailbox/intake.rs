use actix_web::web::{Data, Json};
use contract_auth::events::MailRequested;
use contract_events::{Batch, Envelope, Event, Received};
use identity::CallingService;
use problem::HttpError;
use service_discovery::Service;
use service_kit::http::Strict;

use super::{courier::Courier, held::Mailbox};

/// Takes a batch: when the answer comes, the mails that it asks for are here. When one
/// cannot be fetched the batch is refused, so that it comes again; what was fetched stays.
pub(super) async fn receive(
    CallingService(publisher): CallingService,
    Strict(batch): Strict<Batch>,
    mailbox: Data<Mailbox>,
    courier: Data<Courier>,
) -> Result<Json<Received>, HttpError> {
    let mut accepted = 0;
    for event in &batch.events {
        let asks = publisher == Service::Auth && event.kind == MailRequested::TYPE;
        if asks && !mailbox.has_taken(event.id) {
            accepted += usize::from(take(event, &mailbox, &courier).await?);
        }
    }
    Ok(Json(Received { accepted }))
}

/// Gives whether the event was new.
async fn take(event: &Envelope, mailbox: &Mailbox, courier: &Courier) -> Result<bool, HttpError> {
    let mail = match event.read::<MailRequested>() {
        Ok(requested) => courier.fetch(requested.mail_id).await?,
        // Of a later release: refusing it for ever would hold up all that come after.
        Err(why) => {
            tracing::warn!(event = %event.id, %why, "a mail of a kind that is unknown here is left out");
            None
        }
    };
    Ok(mailbox.take(event.id, mail))
}
