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
        let (free, laned): (Vec<Over>, Vec<Over>) = batch.drain(..).partition(|over| over.lane.is_none());
        for overs in [free, laned] {
            settle(board, &overs).await;
        }
    }
}

/// Writes until it is written. What the database refuses is told one by one, so that one
/// bad ending holds up no others; that one's lease runs out.
async fn settle(board: &Board, overs: &[Over]) {
    while let Err(why) = write(board, overs).await {
        match (&why, overs) {
            (db::Error::Query(_), [one]) => {
                tracing::error!(%why, job = %one.finished.id, "the end of a job cannot be written");
                break;
            }
            (db::Error::Query(_), several) => {
                tracing::warn!(%why, jobs = overs.len(), "the ends of jobs are written one by one");
                for one in several {
                    Box::pin(settle(board, std::slice::from_ref(one))).await;
                }
                return;
            }
            (db::Error::Unavailable(_), _) => {
                tracing::warn!(%why, jobs = overs.len(), "the ends of jobs could not be written; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    board.settled(overs.iter().map(|over| over.finished.lease));
    if overs.iter().any(|over| matches!(over.finished.ending, Ending::Again { .. })) {
        board.schedule.notify_one();
    }
}

/// Either all of them run in lanes, or none.
async fn write(board: &Board, overs: &[Over]) -> db::Result<()> {
    if overs.is_empty() {
        return Ok(());
    }
    let finished: Vec<Finished> = overs.iter().map(|over| over.finished.clone()).collect();
    let lanes: Vec<String> = overs.iter().filter_map(|over| over.lane.clone()).collect();
    let known = if lanes.is_empty() {
        store::finish(&mut *board.db.connection().await?, &finished).await?
    } else {
        let ending = async |connection: &mut _| store::finish_in_lanes(connection, &finished, &lanes).await;
        let known = board.db.transaction(ending).await?;
        // The next ones of the lanes are ready now.
        board.work.notify_one();
        known
    };
    report(overs, &known);
    Ok(())
}

/// An end that came too late changed nothing: the lease had run out. Written again after
/// a commit whose answer was lost, it is no different.
fn report(overs: &[Over], known: &[JobId]) {
    for over in overs.iter().filter(|over| !known.contains(&over.finished.id)) {
        tracing::warn!(job = %over.finished.id, "the end of a job came after its lease");
    }
}
