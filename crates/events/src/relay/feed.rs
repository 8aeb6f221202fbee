use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, Instant},
};

use service_kit::db::{self, Connection, Db};
use tokio::{sync::watch, time::sleep};
use uuid::Uuid;

use super::{
    cursor::{Cursor, Round},
    gauges::Gauges,
    receiver::{PushError, Receiver},
    store::{self, Lag, Lease, News},
};

/// How long nobody else tells a subscriber after a relay died.
const LEASE: Duration = Duration::from_secs(15);

/// How often a relay that tells writes how far it came. What it told since is told
/// again after a crash, and known to the receiver.
const WRITE: Duration = Duration::from_secs(1);

/// Between two looks at the log without a hint.
const LOOK: Duration = Duration::from_millis(250);

/// The same for a while after a hint, since not every event gives one.
const LOOK_AWAKE: Duration = Duration::from_millis(20);
const AWAKE: Duration = Duration::from_millis(200);

/// Between two looks whether another relay has gone.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// Between two tries to tell one who does not take it.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Tells one subscriber.
#[derive(Debug)]
pub(super) struct Feed {
    db: Db,
    receiver: Receiver,
    gauges: Gauges,
    is_known: bool,
    held: Option<Held>,
    failures: u32,
    retry_at: Option<Instant>,
}

/// A subscriber that this relay tells, until its lease ends.
#[derive(Debug)]
struct Held {
    lease: Lease,
    cursor: Cursor,
    written: Instant,
    has_moved: bool,
}

/// What to do before the next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// Nothing: there may be more.
    None,
    /// Wait for a hint, or a while.
    Hint,
    /// Wait.
    For(Duration),
}

#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Push(#[from] PushError),
}

impl Feed {
    pub(super) fn new(db: Db, receiver: Receiver, gauges: Gauges) -> Self {
        Self { db, receiver, gauges, is_known: false, held: None, failures: 0, retry_at: None }
    }

    /// Tells until `ended` says so.
    pub(super) async fn run(mut self, mut hints: watch::Receiver<()>, mut ended: watch::Receiver<bool>) {
        let mut awake_until = Instant::now();
        while !*ended.borrow() {
            let pause = self.turn().await;
            let (wait, is_open) = match pause {
                Pause::None => continue,
                Pause::Hint if Instant::now() < awake_until => (LOOK_AWAKE, true),
                Pause::Hint => (LOOK, true),
                Pause::For(wait) => (wait, false),
            };
            tokio::select! {
                // An error: whoever would say so is gone, and this feed with it.
                _ = ended.changed() => {}
                Ok(()) = hints.changed(), if is_open => awake_until = Instant::now() + AWAKE,
                () = sleep(wait) => {}
            }
        }
        if let Err(error) = self.give_up().await {
            // Tolerated: it is told again. PostgreSQL may have been stopped at the same time.
            tracing::debug!(subscriber = self.name(), %error, "how far it was told is not written");
        }
    }

    /// A step, unless the last one failed just now.
    pub(super) async fn turn(&mut self) -> Pause {
        let outcome = match self.wait() {
            Some(_) => self.measure().await.map(|()| None),
            None => self.step().await.map(Some),
        };
        match outcome {
            Ok(None) => {}
            Ok(Some(pause)) => {
                self.recover().await;
                return pause;
            }
            Err(error) => self.fail(&error).await,
        }
        Pause::For(self.wait().unwrap_or_default().min(LEASE / 3))
    }

    /// How long it is to be left alone.
    fn wait(&self) -> Option<Duration> {
        let wait = self.retry_at?.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }

    /// Keeps the subscriber, and measures what waits for it.
    async fn measure(&mut self) -> Result<(), FeedError> {
        let conn = self.hold_on().await?;
        if let (Some(mut conn), Some(Held { cursor: Cursor { round: Some(round), .. }, .. })) =
            (conn, &self.held)
        {
            show_lag(&mut conn, &self.gauges, self.name(), round.after).await;
        }
        Ok(())
    }

    /// Tells the next events, if there are any and nobody else does.
    async fn step(&mut self) -> Result<Pause, FeedError> {
        let Some(mut conn) = self.hold_on().await? else { return Ok(Pause::For(ELSEWHERE)) };
        let name = self.receiver.service.name();
        let Some(held) = &mut self.held else { return Ok(Pause::For(ELSEWHERE)) };
        if held.cursor.round.is_none() {
            let News { target, after } = store::news(&mut conn, &held.cursor.seen).await?;
            let Some(after) = after else {
                self.gauges.lag(name, &Lag::default());
                held.cursor.seen = target;
                return Ok(Pause::Hint);
            };
            show_lag(&mut conn, &self.gauges, name, after).await;
            held.cursor.round = Some(Round { target, after });
        }
        let next = store::next(&mut conn, &held.cursor).await?;
        // No connection is kept while the receiver works.
        drop(conn);
        let count = next.events.len();
        if count > 0 {
            self.receiver.push(next.events).await?;
            self.gauges.told(name, count);
        }
        held.cursor.advance(next.last, next.is_end);
        held.has_moved = true;
        Ok(Pause::None)
    }

    /// Takes the subscriber, or keeps it; `None` when somebody else has it.
    async fn hold_on(&mut self) -> Result<Option<Connection>, FeedError> {
        let name = self.name();
        let mut conn = self.db.connection().await?;
        if !self.is_known {
            store::introduce(&mut conn, name).await?;
            self.is_known = true;
        }
        match &mut self.held {
            None => self.held = claim(&mut conn, name).await?,
            Some(held) if !held.is_due() => {}
            Some(held) if store::keep(&mut conn, name, held.lease, LEASE, &held.cursor).await? => {
                held.written = Instant::now();
                held.has_moved = false;
            }
            Some(_) => self.held = None,
        }
        if self.held.is_none() {
            self.gauges.forget(name);
            return Ok(None);
        }
        Ok(Some(conn))
    }

    async fn give_up(&mut self) -> Result<(), FeedError> {
        let name = self.name();
        if let Some(held) = self.held.take() {
            let mut conn = self.db.connection().await?;
            store::keep(&mut conn, name, held.lease, LEASE, &held.cursor).await?;
            store::release(&mut conn, name, held.lease).await?;
        }
        Ok(())
    }

    /// Leaves it alone for a while; says so when that begins.
    async fn fail(&mut self, error: &FeedError) {
        let (name, is_first) = (self.name(), self.failures == 0);
        if is_first {
            tracing::warn!(subscriber = name, %error, "it is not told; trying again");
        }
        self.retry_at = Some(Instant::now() + wait(self.failures));
        self.failures = self.failures.saturating_add(1);
        let FeedError::Push(why) = error else { return };
        self.gauges.failed(name);
        if is_first {
            self.note(Some(&why.to_string())).await;
        }
        if let Err(error) = self.measure().await {
            tracing::debug!(%error, "what waits is not measured");
        }
    }

    async fn recover(&mut self) {
        let failures = std::mem::take(&mut self.failures);
        self.retry_at = None;
        // Whoever has it now may fail, too.
        if failures > 0 && self.held.is_some() {
            tracing::info!(subscriber = self.name(), failures, "it is told again");
            self.note(None).await;
        }
    }

    /// Leaves a note for operators: why it is not told, or that it is.
    async fn note(&self, failure: Option<&str>) {
        let Some(held) = &self.held else { return };
        let noted = async {
            let mut conn = self.db.connection().await?;
            store::note(&mut conn, self.name(), held.lease, failure).await
        };
        if let Err(error) = noted.await {
            // Tolerated: it is for watching only.
            tracing::debug!(%error, "no note of it is left");
        }
    }

    fn name(&self) -> &'static str {
        self.receiver.service.name()
    }
}

impl Held {
    fn is_due(&self) -> bool {
        let since = self.written.elapsed();
        since >= LEASE / 3 || self.has_moved && since >= WRITE
    }
}

async fn claim(conn: &mut Connection, name: &'static str) -> db::Result<Option<Held>> {
    let (lease, written) = (Uuid::now_v7(), Instant::now());
    let Some(mut cursor) = store::claim(conn, name, lease, LEASE).await? else { return Ok(None) };
    if store::came_from_elsewhere(conn, &cursor.seen).await? {
        tracing::warn!(subscriber = name, "the log came from another cluster; all of it is told again");
        store::start_over(conn).await?;
        cursor = Cursor::beginning();
        while store::settle(conn).await? > 0 {
            if !store::keep(conn, name, lease, LEASE, &cursor).await? {
                return Ok(None);
            }
        }
    }
    Ok(Some(Held { lease, cursor, written, has_moved: false }))
}

/// Shows how much lies behind `after`. That this fails keeps no one from being told.
async fn show_lag(conn: &mut Connection, gauges: &Gauges, name: &str, after: i64) {
    match store::lag(conn, after).await {
        Ok(lag) => gauges.lag(name, &lag),
        Err(error) => tracing::debug!(%error, "what waits is not measured"),
    }
}

/// Doubles, and is spread, so that what failed together does not return together.
fn wait(failures: u32) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
    let chance = RandomState::new().build_hasher().finish() % 1000;
    let part = 0.5 + f64::from(u16::try_from(chance).unwrap_or(0)) / 2000.0;
    doubled.min(LONGEST_WAIT).mul_f64(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_tenth_of_a_second_to_half_a_minute() {
        assert!((Duration::from_millis(50)..=Duration::from_millis(100)).contains(&wait(0)));
        for failures in [9, 20, 31, 32, u32::MAX] {
            assert!((LONGEST_WAIT / 2..=LONGEST_WAIT).contains(&wait(failures)), "{failures}");
        }
    }
}
