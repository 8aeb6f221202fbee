//! All that is held about a person, for them to take along.

mod content;
mod gather;
mod guard;
mod prefs;
mod request;

use std::time::Duration;

use contract_auth::{Export, ExportState};
use ids::ExportId;

use crate::{
    mailbox,
    spawn::{Auth, Somebody},
};

/// auth alone, with a worker: its own part is the whole document.
pub(crate) async fn spawn() -> Auth {
    mailbox::spawn().await
}

/// Everything about exports that is audited and told, once.
pub(crate) async fn live(auth: &Auth) {
    let olga = auth.somebody("olga@example.com").await;
    let export = ready(auth, &olga).await;
    auth.client.download_export(&olga.inward, export.id).await.unwrap();
    auth.client.delete_export(&olga.inward, export.id).await.unwrap();
}

/// An export of somebody that was asked for and is ready.
pub(crate) async fn ready(auth: &Auth, who: &Somebody) -> Export {
    let asked = auth.client.request_export(&who.inward).await.unwrap();
    reached(auth, who, asked.id, ExportState::Ready).await
}

/// The export once it stands there. What waits for its next attempt has it at once.
async fn reached(auth: &Auth, who: &Somebody, id: ExportId, state: ExportState) -> Export {
    for _ in 0..600 {
        let export = auth.client.export(&who.inward, id).await.unwrap();
        if export.state == state {
            return export;
        }
        hurry(auth).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never was {state:?}");
}

/// Has what waits for its next attempt tried now.
async fn hurry(auth: &Auth) {
    auth.sql("UPDATE jobs SET run_at = clock_timestamp() WHERE kind = 'auth.gather_export' AND state = 'scheduled'")
        .await;
}

/// Waits until no export is being gathered.
async fn over(auth: &Auth) {
    for _ in 0..600 {
        if auth.count("SELECT count(*) FROM jobs WHERE kind = 'auth.gather_export'").await == 0 {
            return;
        }
        hurry(auth).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("an export is gathered for ever");
}
