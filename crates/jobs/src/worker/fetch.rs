//! Looks into the queue, and begins what it finds.

use std::{
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant},
};

use service_kit::db;

use super::board::Board;
use crate::{
    Priority,
    store::{self, Haul, Reach},
};

/// For how long after a hint the queue is looked at often: not every commit gives one.
const WARM: Duration = Duration::from_millis(100);
/// How often that is.
const OFTEN: Duration = Duration::from_millis(15);
/// The wait after a failure of the database.
const PAUSE: Duration = Duration::from_millis(250);
/// The share of time that looks at the whole queue may take: a twentieth.
const WHOLE_SHARE: u32 = 20;

/// Up to where each part of the queue is settled, and when to look at all of it again: a
/// transaction that took its place early may commit late.
struct Places {
    up_to: HashMap<(Priority, bool), i64>,
    whole_at: Instant,
    kinds: Vec<&'static str>,
}

/// Runs for ever.
pub(super) async fn run(board: &Rc<Board>) {
    let kinds = board.handlers.kinds();
    let mut places = Places { up_to: HashMap::new(), whole_at: Instant::now(), kinds };
    let mut warm_until = Instant::now();
    loop {
        while board.room() == 0 {
            board.ended.notified().await;
        }
        match fill(board, &mut places).await {
            Ok(true) => {
                // Handlers and endings get their turn.
                tokio::task::yield_now().await;
                continue;
            }
            Ok(false) => {}
            Err(why) => {
                tracing::warn!(%why, "the queue could not be looked at; trying again");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        }
        let wait = if Instant::now() < warm_until { OFTEN } else { board.options.poll };
        if tokio::time::timeout(wait, board.work.notified()).await.is_ok() {
            warm_until = Instant::now() + WARM;
        }
    }
}

/// Begins what there is and room is for; whether there may be more.
async fn fill(board: &Rc<Board>, places: &mut Places) -> db::Result<bool> {
    let whole = Instant::now() >= places.whole_at;
    let began = Instant::now();
    let mut more = false;
    for priority in Priority::ALL {
        for laned in [false, true] {
            let room = board.room();
            if room == 0 {
                return Ok(true);
            }
            let seen = places.up_to.get(&(priority, laned)).copied().unwrap_or_default();
            let reach = Reach {
                kinds: &places.kinds,
                priority,
                after: if whole { 0 } else { seen },
                limit: i64::try_from(room).unwrap_or(i64::MAX),
                lease: board.options.lease,
                worker: &board.name,
            };
            let haul = look(board, reach, laned).await?;
            more |= haul.full;
            places.up_to.insert((priority, laned), seen.max(haul.up_to));
            haul.claimed.into_iter().for_each(|job| board.begin(job));
        }
    }
    if whole && !more {
        places.whole_at = Instant::now() + (began.elapsed() * WHOLE_SHARE).max(board.options.poll);
    }
    Ok(more)
}

async fn look(board: &Board, reach: Reach<'_>, laned: bool) -> db::Result<Haul> {
    let mut connection = board.db.connection().await?;
    if laned {
        store::claim_in_lanes(&mut connection, reach).await
    } else {
        store::claim(&mut connection, reach).await
    }
}
