use std::{convert::Infallible, error::Error, pin::pin, time::Duration};

use diesel_async::SimpleAsyncConnection;
use futures_util::StreamExt;
use service_kit::db::Db;
use tokio::sync::watch;

use crate::HINTS;

/// The wait before a new connection is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// Passes on the hints that come with what [`publish`](crate::publish) writes, for those who
/// follow what happens in this service; runs for ever. They are seldom and may be missed:
/// who hears one looks several times, and now and then without any.
pub async fn hear_hints(db: &Db, hint: &watch::Sender<()>) -> Infallible {
    loop {
        if let Err(why) = hear(db, hint).await {
            tracing::warn!(%why, "no hints are heard; the log is looked at");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear(db: &Db, hint: &watch::Sender<()>) -> Result<(), Box<dyn Error>> {
    let mut connection = db.dedicated().await?;
    connection.batch_execute(&format!("LISTEN {}", HINTS.channel())).await?;
    let mut hints = pin!(connection.notifications_stream());
    while let Some(heard) = hints.next().await {
        heard?;
        hint.send_replace(());
    }
    Err("the connection ended".into())
}
