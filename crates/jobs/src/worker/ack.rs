//! Tells the database how attempts ended, many at once when many end.

use std::{rc::Rc, time::Duration};

use ids::JobId;
use service_kit::db;
use tokio::sync::mpsc;

use super::{
    attempt::remedy,
    board::{Board, Over},
};
use crate::{
    Failure, effect,
    store::{self, Ending, Finished},
};

/// How many endings go into one statement.
const MOST: usize = 256;

/// The wait after a failure of the database.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs for ever.
pub(super) async fn run(board: &Rc<Board>, mut endings: mpsc::UnboundedReceiver<Over>) {
    let mut batch = Vec::with_capacity(MOST);
    while endings.recv_many(&mut batch, MOST).await > 0 {
        let (free, laned): (Vec<Over>, Vec<Over>) =
            batch.drain(..).partition(|over| over.known.lane.is_none());
        for overs in [free, laned] {
            settle(board, overs).await;
        }
    }
}

/// Writes until it is written. What the database refuses is told one by one, so that one
/// bad ending holds up no others: its attempt has failed, or else its lease runs out.
async fn settle(board: &Board, mut overs: Vec<Over>) {
    while let Err(why) = write(board, &overs).await {
        match (&why, &mut *overs) {
            (Unwritten::Later(why), _) => {
                tracing::warn!(
                    why,
                    jobs = overs.len(),
                    "the ends of jobs could not be written; trying again"
                );
                tokio::time::sleep(PAUSE).await;
            }
            (Unwritten::Never(failure), [one]) => {
                tracing::error!(why = %failure, job = %one.known.id, "the end of a job cannot be written");
                let remedy = one.effect.take().and_then(|_effect| remedy(board, &one.known, failure));
                match remedy {
                    Some(ending) => one.finished.ending = ending,
                    None => break,
                }
            }
            (Unwritten::Never(failure), _) => {
                tracing::warn!(why = %failure, jobs = overs.len(), "the ends of jobs are written one by one");
                for one in overs {
                    Box::pin(settle(board, vec![one])).await;
                }
                return;
            }
        }
    }
    board.settled(overs.iter().map(|over| over.finished.lease));
    if overs.iter().any(|over| matches!(over.finished.ending, Ending::Again { .. })) {
        board.schedule.notify_one();
    }
}

/// Why ends were not written, and nothing of them was.
enum Unwritten {
    /// The database is away, or too busy.
    Later(String),
    /// It refuses them, or an effect does.
    Never(Failure),
}

impl From<Failure> for Unwritten {
    fn from(failure: Failure) -> Self {
        if db::is_passing(&*failure.cause) { Self::Later(failure.told()) } else { Self::Never(failure) }
    }
}

impl From<db::Error> for Unwritten {
    fn from(error: db::Error) -> Self {
        Failure::from(error).into()
    }
}

/// Either all of them run in lanes, or none.
async fn write(board: &Board, overs: &[Over]) -> Result<(), Unwritten> {
    if overs.is_empty() {
        return Ok(());
    }
    let finished: Vec<Finished> = overs.iter().map(|over| over.finished.clone()).collect();
    let mut lanes: Vec<String> = overs.iter().filter_map(|over| over.known.lane.clone()).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let known = if lanes.is_empty() && overs.iter().all(|over| over.effect.is_none()) {
        store::finish(&mut *board.db.connection().await?, &finished).await?
    } else {
        let known = board.db.transaction(async |connection| {
            store::lock(connection, &lanes).await?;
            let known = store::finish(connection, &finished).await?;
            let ended = overs.iter().filter(|over| known.contains(&over.finished.id));
            effect::commit(connection, ended.filter_map(|over| over.effect.as_ref())).await?;
            store::release(connection, &lanes).await?;
            Ok::<_, Unwritten>(known)
        });
        let known = known.await?;
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
