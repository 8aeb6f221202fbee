//! What a worker does beside its jobs: signs of life, what is due, what others left.

use std::{
    collections::HashSet,
    rc::Rc,
    time::{Duration, Instant},
};

use service_kit::db;

use super::{board::Board, fetch::rest};
use crate::store::{self, Ending};

/// How often what is due is looked for, when nothing says when.
const LOOK: Duration = Duration::from_secs(1);
/// How often the queue is counted.
const COUNT: Duration = Duration::from_secs(15);

/// Renews all leases before half of them is over. A job whose lease is gone is
/// interrupted: another worker has it. So is one that was cancelled.
pub(super) async fn renew(board: &Rc<Board>) {
    loop {
        tokio::time::sleep(board.options.lease / 4).await;
        if let Err(why) = renew_once(board).await {
            tracing::warn!(%why, "leases could not be renewed");
        }
        for lease in board.overdue() {
            tracing::warn!(%lease, "a lease could not be renewed in time: its job is interrupted");
            board.interrupt(lease, None);
        }
    }
}

async fn renew_once(board: &Board) -> db::Result<()> {
    let leases = board.leases(board.options.lease / 4);
    if leases.is_empty() {
        return Ok(());
    }
    let asked = Instant::now();
    let held = store::renew(&mut *board.db.connection().await?, &leases, board.options.lease).await?;
    let mut kept = HashSet::new();
    for one in held {
        kept.insert(one.lease);
        board.confirm(one.lease, asked);
        if one.cancelled {
            board.interrupt(one.lease, Some(Ending::Cancelled));
        }
    }
    let lost = leases.into_iter().map(|(_, lease)| lease).filter(|lease| !kept.contains(lease));
    // One that ended meanwhile has no handler to interrupt any more.
    lost.for_each(|lease| board.interrupt(lease, None));
    Ok(())
}

/// Puts what is due into the queue.
pub(super) async fn promote(board: &Rc<Board>) {
    loop {
        let wait = match promote_once(board).await {
            Ok((promoted, next)) => {
                if promoted > 0 {
                    board.work.notify_one();
                }
                next.map_or(LOOK, |next| next.clamp(Duration::from_millis(5), LOOK))
            }
            Err(why) => {
                tracing::warn!(%why, "what is due could not be looked for");
                LOOK
            }
        };
        // Tolerated: the time is up, or there is something new; both mean to look again.
        let _ = tokio::time::timeout(wait, board.schedule.notified()).await;
    }
}

async fn promote_once(board: &Board) -> db::Result<(i64, Option<Duration>)> {
    let promote = async |connection: &mut _| {
        store::go_by_indexes(connection).await?;
        store::promote(connection).await
    };
    board.db.transaction(promote).await
}

/// Gives back what dead workers held.
pub(super) async fn expire(board: &Rc<Board>) {
    loop {
        let began = Instant::now();
        match expire_once(board).await {
            Ok(0) => {}
            Ok(_) => board.schedule.notify_one(),
            Err(why) => tracing::warn!(%why, "leases that ran out could not be looked for"),
        }
        let lease = board.options.lease;
        tokio::time::sleep(rest(began.elapsed(), lease / 3, lease)).await;
    }
}

async fn expire_once(board: &Board) -> db::Result<usize> {
    store::expire(&mut *board.db.connection().await?, board.options.lease).await
}

/// Counts for Prometheus.
pub(super) async fn count(board: &Rc<Board>) {
    let Some(metrics) = &board.metrics else { return std::future::pending().await };
    loop {
        match count_once(board).await {
            Ok(counts) => metrics.counted(&counts),
            Err(why) => tracing::warn!(%why, "the queue could not be counted"),
        }
        tokio::time::sleep(COUNT).await;
    }
}

async fn count_once(board: &Board) -> db::Result<Vec<crate::Count>> {
    store::counts(&mut *board.db.connection().await?).await
}
