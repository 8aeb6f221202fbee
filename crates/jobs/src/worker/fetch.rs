//! Looks into the queue, and begins what it finds.

use std::{
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant},
};

use diesel_async::AsyncPgConnection;
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

/// The parts of the queue: those in no lane and those in lanes, by priority.
type Part = (Priority, bool);

/// Up to where a part of the queue is settled, and when to look at all of it again: a
/// transaction that took its place early may commit late.
#[derive(Clone, Copy)]
struct Place {
    up_to: i64,
    whole_at: Instant,
}

/// Who looks: over a connection of its own, so that handlers never keep it waiting.
struct Fetcher<'a> {
    board: &'a Rc<Board>,
    kinds: Vec<&'static str>,
    places: HashMap<Part, Place>,
    connection: Option<AsyncPgConnection>,
    /// Jobs in lanes and others take turns in being looked for first.
    lanes_first: bool,
}

/// Runs for ever.
pub(super) async fn run(board: &Rc<Board>) {
    let (kinds, places) = (board.handlers.kinds(), HashMap::new());
    let mut fetcher = Fetcher { board, kinds, places, connection: None, lanes_first: false };
    let mut warm_until = Instant::now();
    loop {
        while board.room() == 0 {
            board.ended.notified().await;
        }
        match fetcher.fill().await {
            Ok(true) => {
                // Handlers and endings get their turn.
                tokio::task::yield_now().await;
                continue;
            }
            Ok(false) => {}
            Err(why) => {
                tracing::warn!(%why, "the queue could not be looked at; trying again");
                fetcher.connection = None;
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

impl Fetcher<'_> {
    /// Begins what there is and room is for; whether there may be more.
    async fn fill(&mut self) -> db::Result<bool> {
        self.lanes_first = !self.lanes_first;
        let mut more = false;
        for priority in Priority::ALL {
            for laned in [self.lanes_first, !self.lanes_first] {
                if self.board.room() == 0 {
                    return Ok(true);
                }
                more |= self.look((priority, laned)).await?;
            }
        }
        Ok(more)
    }

    /// Begins what there is in one part.
    async fn look(&mut self, part: Part) -> db::Result<bool> {
        let began = Instant::now();
        let place = self.places.get(&part).copied().unwrap_or(Place { up_to: 0, whole_at: began });
        let whole = began >= place.whole_at;
        let haul = self.claim(part, if whole { 0 } else { place.up_to }).await?;
        // A haul that is full before it comes to where the last one ended leaves some behind.
        let settled = whole && !(haul.full && haul.up_to < place.up_to);
        let whole_at = if settled {
            Instant::now() + (began.elapsed() * WHOLE_SHARE).max(self.board.options.poll)
        } else {
            place.whole_at
        };
        self.places.insert(part, Place { up_to: place.up_to.max(haul.up_to), whole_at });
        haul.claimed.into_iter().for_each(|job| self.board.begin(job));
        Ok(haul.full)
    }

    async fn claim(&mut self, (priority, laned): Part, after: i64) -> db::Result<Haul> {
        let board = self.board;
        let reach = Reach {
            kinds: &self.kinds,
            priority,
            after,
            limit: i64::try_from(board.room()).unwrap_or(i64::MAX),
            lease: board.options.lease,
            worker: &board.name,
        };
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect(board).await?),
        };
        if laned {
            store::claim_in_lanes(connection, reach).await
        } else {
            store::claim(connection, reach).await
        }
    }
}

async fn connect(board: &Board) -> db::Result<AsyncPgConnection> {
    let mut connection = board.db.dedicated().await?;
    store::forget_claims_in_a_crash(&mut connection).await?;
    Ok(connection)
}
