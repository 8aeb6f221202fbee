use std::{rc::Rc, str::FromStr, time::Duration};

use croner::Cron as Pattern;
use diesel_async::AsyncPgConnection;
use ids::{JobId, Timestamp};
use service_kit::db::{self, Db};

use crate::{EnqueueError, Job, NewJob, store};

/// How often schedules are looked at.
const TICK: Duration = Duration::from_secs(1);

/// How late a fire may be before it counts as missed.
const LATE: Duration = Duration::from_secs(60);

/// The most missed fires that are made up for at once.
const MOST: usize = 100;

/// What happens to fires that came while no process watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// They are left out.
    Skip,
    /// One job makes up for all of them.
    Once,
    /// Each is made up for, the last hundred at most.
    All,
}

/// A job that is due again and again.
#[derive(Clone)]
pub struct Schedule {
    name: &'static str,
    pattern: Pattern,
    missed: Missed,
    job: Rc<dyn Fn() -> Result<NewJob, serde_json::Error>>,
}

/// Why a schedule is none.
#[derive(Debug, thiserror::Error)]
pub enum CronError {
    /// Its pattern is not one of cron's.
    #[error("schedule {name}: `{pattern}` is no cron pattern: {why}")]
    Pattern {
        /// The schedule.
        name: &'static str,
        /// What it says.
        pattern: String,
        /// What is wrong.
        why: String,
    },
    /// A fire could not become a job.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Schedule {
    /// `job`, whenever `pattern` (five fields, UTC: minute, hour, day, month, weekday)
    /// says. The name is the schedule's for ever: by it its fires are known.
    ///
    /// # Errors
    /// [`CronError::Pattern`].
    pub fn new<J: Job + Clone>(
        name: &'static str,
        pattern: &str,
        missed: Missed,
        job: J,
    ) -> Result<Self, CronError> {
        let parsed = Pattern::from_str(pattern).map_err(|why| CronError::Pattern {
            name,
            pattern: pattern.to_owned(),
            why: why.to_string(),
        })?;
        Ok(Self { name, pattern: parsed, missed, job: Rc::new(move || NewJob::of(&job)) })
    }

    /// The fires after `last` up to `now` that become jobs, and the last one of all, which
    /// settles those before it.
    fn due(&self, last: Timestamp, now: Timestamp) -> (Vec<Timestamp>, Option<Timestamp>) {
        let mut fires: Vec<Timestamp> = Vec::new();
        let mut from = last.datetime();
        while let Ok(next) = self.pattern.find_next_occurrence(&from, false) {
            if next > now.datetime() {
                break;
            }
            fires.push(next.into());
            from = next;
        }
        let latest = fires.last().copied();
        let kept = match self.missed {
            Missed::Skip => fires.into_iter().filter(|at| now.since(*at) <= LATE).collect(),
            Missed::Once => latest.into_iter().collect(),
            Missed::All => fires.split_off(fires.len().saturating_sub(MOST)),
        };
        (kept, latest)
    }
}

/// Turns schedules into jobs. Any number of processes may do so at once: a fire is one
/// row, and the row commits with its job.
pub struct Cron {
    schedules: Vec<Schedule>,
}

impl Cron {
    /// For these schedules.
    #[must_use]
    pub fn new(schedules: Vec<Schedule>) -> Self {
        Self { schedules }
    }

    /// Watches for ever. While the database is away it waits.
    pub async fn run(&self, db: &Db) {
        loop {
            if let Err(why) = self.tick(db).await {
                tracing::warn!(%why, "schedules could not be looked at");
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Looks once: every fire that is due becomes a job. How many did here.
    ///
    /// # Errors
    /// When the database fails; what was not settled is at the next look.
    pub async fn tick(&self, db: &Db) -> Result<usize, CronError> {
        if self.schedules.is_empty() {
            return Ok(0);
        }
        let mut connection = db.connection().await?;
        let now = store::now(&mut connection).await?;
        let mut fired = 0;
        for schedule in &self.schedules {
            fired += settle(&mut connection, schedule, now).await?;
        }
        Ok(fired)
    }
}

async fn settle(
    connection: &mut AsyncPgConnection,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<usize, CronError> {
    // What lies ahead is of a time before the clock was put back.
    let Some(last) = store::last_fire(connection, schedule.name, now).await? else {
        // Watched from now on.
        store::fire(connection, schedule.name, now, None).await?;
        return Ok(0);
    };
    let (fires, latest) = schedule.due(last, now);
    let mut fired = 0;
    for at in fires.iter().copied() {
        fired += usize::from(fire(connection, schedule, at).await?);
    }
    if let Some(latest) = latest.filter(|latest| !fires.contains(latest)) {
        store::fire(connection, schedule.name, latest, None).await?;
    }
    Ok(fired)
}

/// The UNIQUE fire decides between processes; the loser enqueues nothing.
async fn fire(
    connection: &mut AsyncPgConnection,
    schedule: &Schedule,
    at: Timestamp,
) -> Result<bool, CronError> {
    db::transaction(connection, async |connection| {
        let job = (schedule.job)().map_err(EnqueueError::from)?;
        let id: JobId = job.id;
        if !store::fire(connection, schedule.name, at, Some(id)).await? {
            return Ok(false);
        }
        job.enqueue(connection).await?;
        Ok(true)
    })
    .await
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schedule")
            .field("name", &self.name)
            .field("pattern", &self.pattern.as_str())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Cron {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cron").field(&self.schedules).finish()
    }
}
