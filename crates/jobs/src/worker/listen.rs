//! Hears hints. Without them a worker finds everything by itself, only later.

use std::{rc::Rc, time::Duration};

use futures_util::StreamExt;
use ids::JobId;

use super::board::Board;
use crate::store;

/// The wait before a new connection is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs for ever.
pub(super) async fn run(board: &Rc<Board>) {
    loop {
        if let Err(why) = hear(board).await {
            tracing::warn!(%why, "no hints are heard; the queue is polled");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear(board: &Board) -> Result<(), Box<dyn std::error::Error>> {
    let mut connection = board.db.dedicated().await?;
    store::listen(&mut connection).await?;
    let mut hints = std::pin::pin!(connection.notifications_stream());
    while let Some(hint) = hints.next().await {
        match hint?.payload.parse::<JobId>() {
            // Somebody wants this one to end.
            Ok(id) => board.cancel(id),
            Err(_) => {
                board.work.notify_one();
                board.schedule.notify_one();
            }
        }
    }
    Err("the connection ended".into())
}
