//! Tells the database how attempts ended, many at once when many end.

use std::{rc::Rc, time::Duration};

use ids::JobId;
use service_kit::db;
use tokio::sync::mpsc;

use super::board::{Board, Over};
use crate::store::{self, Ending, Finished};

/// How many endings go into one statement.
const MOST: usize = 256;

/// The wait after a failure of the database.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs for ever.
pub(super) async fn run(board: &Rc<Board>, mut endings: mpsc::UnboundedReceiver<Over>) {
    let mut batch = Vec::with_capacity(MOST);
    while endings.recv_many(&mut batch, MOST).await > 0 {
        let retries = batch.iter().any(|over| matches!(over.finished.ending, Ending::Again { .. }));
        while let Err(why) = write(board, &batch).await {
            tracing::warn!(%why, jobs = batch.len(), "the ends of jobs could not be written; trying again");
            tokio::time::sleep(PAUSE).await;
        }
        board.settled(batch.drain(..).map(|over| over.finished.id));
        if retries {
            board.schedule.notify_one();
        }
    }
}

async fn write(board: &Board, batch: &[Over]) -> db::Result<()> {
    let (free, laned): (Vec<&Over>, Vec<&Over>) = batch.iter().partition(|over| over.lane.is_none());
    let endings = |overs: &[&Over]| overs.iter().map(|over| over.finished.clone()).collect::<Vec<Finished>>();
    if !free.is_empty() {
        let known = store::finish(&mut *board.db.connection().await?, &endings(&free)).await?;
        report(&free, &known);
    }
    if !laned.is_empty() {
        let lanes: Vec<String> = laned.iter().filter_map(|over| over.lane.clone()).collect();
        let finished = endings(&laned);
        let known = board
            .db
            .transaction(async |connection| store::finish_in_lanes(connection, &finished, &lanes).await)
            .await?;
        report(&laned, &known);
        // The next ones of the lanes are ready now.
        board.work.notify_one();
    }
    Ok(())
}

/// An end that came too late changed nothing: the lease had run out. Written again after
/// a commit whose answer was lost, it is no different.
fn report(overs: &[&Over], known: &[JobId]) {
    for over in overs.iter().filter(|over| !known.contains(&over.finished.id)) {
        tracing::warn!(job = %over.finished.id, "the end of a job came after its lease");
    }
}
