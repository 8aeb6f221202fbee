//! Looks into the queue, and begins what it finds.

use std::{
    collections::HashMap,
    ops::Range,
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
/// The share of time that looks at all of the queue may take: a fortieth. They walk over
/// everything that VACUUM cannot remove while a transaction is open.
const WHOLE_SHARE: u32 = 40;
/// The longest rest from it.
const WHOLE_REST: Duration = Duration::from_secs(30);
/// For how long after others a transaction may commit and be found at once.
const LATE: Duration = Duration::from_millis(250);

/// The parts of the queue: those in no lane and those in lanes, by priority.
pub(super) type Part = (Priority, bool);

/// How far a part of the queue was looked at. A transaction that took its place early may
/// commit late: what is a little late is found at once, the rest by [`stragglers`].
#[derive(Clone, Copy)]
struct Place {
    up_to: i64,
    /// Up to where it was looked at a while ago, and longer ago.
    marks: [i64; 2],
    marked_at: Instant,
    /// More is ready than there is room for.
    backlogged: bool,
}

impl Place {
    fn new() -> Self {
        Self { up_to: 0, marks: [0; 2], marked_at: Instant::now(), backlogged: false }
    }

    /// From where to look. With a backlog nothing is late, and dead rows count.
    fn from(&self) -> i64 {
        if self.backlogged { self.up_to } else { self.marks[1] }
    }

    fn looked(&mut self, haul: &Haul) {
        self.up_to = self.up_to.max(haul.up_to);
        self.backlogged = haul.full;
        if self.marked_at.elapsed() >= LATE {
            self.marks = [self.up_to, self.marks[0]];
            self.marked_at = Instant::now();
        }
    }
}

/// Who looks: over a connection of its own, so that handlers never keep it waiting.
struct Fetcher<'a> {
    board: &'a Rc<Board>,
    kinds: Vec<&'static str>,
    connection: Option<AsyncPgConnection>,
}

/// Runs until the process is asked to end.
pub(super) async fn run(board: &Rc<Board>) {
    let mut fetcher = Fetcher::new(board);
    let mut places = HashMap::new();
    // Jobs in lanes and others take turns in being looked for first.
    let mut lanes_first = false;
    let mut warm_until = Instant::now();
    while !board.is_stopping() {
        if board.room() == 0 {
            // An end that nobody waits for here may have been taken note of elsewhere.
            let _ = tokio::time::timeout(OFTEN, board.ended.notified()).await;
            continue;
        }
        lanes_first = !lanes_first;
        match fetcher.fill(&mut places, lanes_first).await {
            Ok(true) => {
                // Handlers and endings get their turn.
                tokio::task::yield_now().await;
                continue;
            }
            Ok(false) => {}
            Err(why) => {
                fetcher.failed(&why).await;
                continue;
            }
        }
        let wait = if Instant::now() < warm_until { OFTEN } else { board.options.poll };
        tokio::select! {
            () = board.rest(wait) => {}
            () = board.work.notified() => warm_until = Instant::now() + WARM,
        }
    }
}

/// Looks at what the other has passed by, seldom: what was committed late, or given back
/// by a worker whose claim came to nothing. It goes first, so it has room of its own: an
/// eighth more. Runs until the process is asked to end.
pub(super) async fn stragglers(board: &Rc<Board>) {
    let most = board.options.concurrency.div_ceil(8);
    let mut fetcher = Fetcher::new(board);
    while !board.is_stopping() {
        let began = Instant::now();
        let parts: Vec<(Part, i64)> = board.looked.borrow().iter().map(|(part, to)| (*part, *to)).collect();
        for (part, up_to) in parts {
            if let Err(why) = fetcher.sweep(part, up_to, most).await {
                fetcher.failed(&why).await;
            }
        }
        board.rest(rest(began.elapsed(), board.options.poll, WHOLE_REST)).await;
    }
}

/// How long to rest from a look at all of the queue that took so long. No longer than
/// `most`: one that stood still, as for a lock or with its whole process, says nothing
/// about the next.
pub(super) fn rest(took: Duration, least: Duration, most: Duration) -> Duration {
    took.saturating_mul(WHOLE_SHARE).min(most).max(least)
}

impl<'a> Fetcher<'a> {
    fn new(board: &'a Rc<Board>) -> Self {
        Self { board, kinds: board.handlers.kinds(), connection: None }
    }

    /// Begins what there is and room is for; whether there may be more.
    async fn fill(&mut self, places: &mut HashMap<Part, Place>, lanes_first: bool) -> db::Result<bool> {
        let mut more = false;
        for priority in Priority::ALL {
            for laned in [lanes_first, !lanes_first] {
                let (part, room) = ((priority, laned), self.board.room());
                if room == 0 {
                    return Ok(true);
                }
                let place = places.entry(part).or_insert_with(Place::new);
                self.board.reserve(room);
                let looked = self.look(part, place.from()..i64::MAX, room).await;
                self.board.unreserve(room);
                let haul = looked?;
                place.looked(&haul);
                self.board.looked.borrow_mut().insert(part, place.up_to);
                more |= haul.full;
                haul.claimed.into_iter().for_each(|job| self.board.begin(job));
            }
        }
        Ok(more)
    }

    /// Begins all that there is up to a place.
    async fn sweep(&mut self, part: Part, up_to: i64, most: usize) -> db::Result<()> {
        let mut from = 0;
        while !self.board.is_stopping() {
            if self.board.excess() >= most {
                self.board.rest(OFTEN).await;
                continue;
            }
            let haul = self.look(part, from..up_to, most).await?;
            haul.claimed.into_iter().for_each(|job| self.board.begin(job));
            // Lanes that others are busy with are left for the next sweep.
            if !haul.full || haul.up_to <= from {
                break;
            }
            from = haul.up_to;
        }
        Ok(())
    }

    async fn look(&mut self, (priority, laned): Part, places: Range<i64>, room: usize) -> db::Result<Haul> {
        let board = self.board;
        let reach = Reach {
            kinds: &self.kinds,
            priority,
            after: places.start,
            up_to: places.end,
            limit: i64::try_from(room).unwrap_or(i64::MAX),
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

    async fn failed(&mut self, why: &db::Error) {
        tracing::warn!(%why, "the queue could not be looked at; trying again");
        self.connection = None;
        self.board.rest(PAUSE).await;
    }
}

async fn connect(board: &Board) -> db::Result<AsyncPgConnection> {
    let mut connection = board.db.dedicated().await?;
    store::prepare_for_claims(&mut connection).await?;
    Ok(connection)
}
