//! Random histories of a queue on a real PostgreSQL, beside a model of it: no job is
//! lost, none ends twice, and who lost a lease writes nothing.

use std::{collections::BTreeMap, time::Duration};

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use ids::JobId;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::{
    db::{self, Db},
    migrations::{Catalogue, Migrator},
    settings::Database,
};
use testing::TestDatabase;
use uuid::Uuid;

use crate::{
    Done, Failure, Job, Lane, NewJob, Priority, Run,
    store::{self, Cancelled, Ending, Finished, Reach, Replayed},
};

const LEASE: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Into no lane (0), an ordered one (1, 2) or one that is two wide (3).
    Enqueue(u8),
    Claim {
        worker: usize,
        most: i64,
    },
    /// The nth claim that was ever made ends so: by whoever made it, however long ago.
    End {
        claim: usize,
        how: u8,
    },
    Checkpoint {
        claim: usize,
    },
    Renew {
        claim: usize,
    },
    /// A worker stands still for longer than its leases.
    Pause {
        worker: usize,
    },
    Expire,
    MakeDue,
    Cancel {
        job: usize,
    },
    Replay {
        job: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4_u8).prop_map(Step::Enqueue),
        5 => (0..3_usize, 1..4_i64).prop_map(|(worker, most)| Step::Claim { worker, most }),
        5 => (any::<usize>(), 0..4_u8).prop_map(|(claim, how)| Step::End { claim, how }),
        2 => any::<usize>().prop_map(|claim| Step::Checkpoint { claim }),
        1 => any::<usize>().prop_map(|claim| Step::Renew { claim }),
        1 => (0..3_usize).prop_map(|worker| Step::Pause { worker }),
        1 => Just(Step::Expire),
        2 => Just(Step::MakeDue),
        1 => any::<usize>().prop_map(|job| Step::Cancel { job }),
        1 => any::<usize>().prop_map(|job| Step::Replay { job }),
    ];
    prop::collection::vec(step, 1..60)
}

#[derive(Serialize, Deserialize)]
struct Piece {
    lane: u8,
}

impl Job for Piece {
    type State = ();
    const KIND: &'static str = "model.piece";

    fn lane(&self) -> Option<Lane> {
        match self.lane {
            0 => None,
            3 => Some(Lane::limited("wide", 2)),
            ordered => Some(Lane::ordered(format!("ordered{ordered}"))),
        }
    }

    async fn run(self, run: Run, (): ()) -> Result<Done, Failure> {
        Ok(run.done())
    }
}

/// Where a job must be.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// Ready, scheduled or parked.
    Waiting,
    Running(Uuid),
    Ended(&'static str),
}

impl Place {
    /// What somebody wants to end does not return to the queue.
    fn unless_cancelled(self, cancelling: bool) -> Self {
        if self == Self::Waiting && cancelling { Self::Ended("cancelled") } else { self }
    }
}

#[derive(Clone, Debug)]
struct Known {
    lane: u8,
    place: Place,
    attempts: i32,
    checkpoint: Option<i64>,
    /// Somebody wants it to end.
    cancelling: bool,
}

struct Claim {
    job: JobId,
    lease: Uuid,
    lane: u8,
    worker: usize,
}

#[derive(Default)]
struct Model {
    jobs: BTreeMap<JobId, Known>,
    /// In the order of enqueueing.
    order: Vec<JobId>,
    claims: Vec<Claim>,
    checkpoints: i64,
}

impl Model {
    async fn step(&mut self, connection: &mut AsyncPgConnection, step: Step) {
        match step {
            Step::Enqueue(lane) => {
                let id = NewJob::of(&Piece { lane }).unwrap().enqueue(connection).await.unwrap().id;
                let known =
                    Known { lane, place: Place::Waiting, attempts: 0, checkpoint: None, cancelling: false };
                self.jobs.insert(id, known);
                self.order.push(id);
            }
            Step::Claim { worker, most } => self.claim(connection, worker, most).await,
            Step::End { claim, how } => self.end(connection, claim, how).await,
            Step::Checkpoint { claim } => self.checkpoint(connection, claim).await,
            Step::Renew { claim } => {
                let Some(claim) = nth(&self.claims, claim) else { return };
                let held = store::renew(connection, &[(claim.job, claim.lease)], LEASE).await.unwrap();
                assert_eq!(!held.is_empty(), self.holds(claim), "only who holds a lease renews it");
            }
            Step::Pause { worker } => {
                for claim in self.claims.iter().filter(|claim| claim.worker == worker) {
                    let late = format!(
                        "UPDATE jobs SET leased_until = clock_timestamp() - interval '1 s' WHERE lease = '{}'",
                        claim.lease
                    );
                    connection.batch_execute(&late).await.unwrap();
                }
            }
            Step::Expire => self.expire(connection).await,
            Step::MakeDue => make_due(connection).await,
            Step::Cancel { job } => self.cancel(connection, job).await,
            Step::Replay { job } => self.replay(connection, job).await,
        }
    }

    async fn claim(&mut self, connection: &mut AsyncPgConnection, worker: usize, most: i64) {
        for laned in [false, true] {
            let reach = Reach {
                kinds: &[Piece::KIND],
                priority: Priority::Normal,
                after: 0,
                up_to: i64::MAX,
                limit: most,
                lease: LEASE,
                worker: "model",
            };
            let haul = if laned {
                store::claim_in_lanes(connection, reach).await.unwrap()
            } else {
                store::claim(connection, reach).await.unwrap()
            };
            for claimed in haul.claimed {
                let known = self.jobs.get_mut(&claimed.id).unwrap();
                assert_eq!(known.place, Place::Waiting, "what runs or has ended is not claimed");
                known.attempts += 1;
                assert_eq!(claimed.attempt, known.attempts);
                assert_eq!(claimed.checkpoint, known.checkpoint.map(|value| json!(value)));
                known.place = Place::Running(claimed.lease);
                let claim = Claim { job: claimed.id, lease: claimed.lease, lane: known.lane, worker };
                self.claims.push(claim);
            }
        }
        self.lanes_are_kept();
    }

    fn lanes_are_kept(&self) {
        let of =
            |lane: u8| self.order.iter().map(|id| &self.jobs[id]).filter(move |known| known.lane == lane);
        let is_running = |known: &&Known| matches!(known.place, Place::Running(_));
        for lane in [1, 2] {
            let open: Vec<_> = of(lane).filter(|known| !matches!(known.place, Place::Ended(_))).collect();
            assert!(!open.iter().skip(1).any(is_running), "only the first of an ordered lane runs: {open:?}");
        }
        assert!(of(3).filter(is_running).count() <= 2, "a lane is never wider than it is");
    }

    fn holds(&self, claim: &Claim) -> bool {
        self.jobs[&claim.job].place == Place::Running(claim.lease)
    }

    async fn end(&mut self, connection: &mut AsyncPgConnection, claim: usize, how: u8) {
        let Some(claim) = nth(&self.claims, claim) else { return };
        let (ending, place) = match how {
            0 => (Ending::Succeeded, Place::Ended("succeeded")),
            1 => (Ending::Discarded("no use".to_owned()), Place::Ended("discarded")),
            2 => (Ending::Again { after: LEASE, why: "later".to_owned() }, Place::Waiting),
            _ => (Ending::Released, Place::Waiting),
        };
        let finished = [Finished { id: claim.job, lease: claim.lease, ending, is_kept: true }];
        let ended = finish(connection, &finished, claim.lane).await;
        assert_eq!(ended == [claim.job], self.holds(claim), "only who holds the lease ends a job");
        if self.holds(claim) {
            let known = self.jobs.get_mut(&claim.job).unwrap();
            known.attempts -= i32::from(how == 3);
            known.place = place.unless_cancelled(known.cancelling);
        }
    }

    async fn checkpoint(&mut self, connection: &mut AsyncPgConnection, claim: usize) {
        let Some(claim) = nth(&self.claims, claim) else { return };
        self.checkpoints += 1;
        let value = json!(self.checkpoints);
        let written = store::checkpoint(connection, claim.job, claim.lease, &value).await.unwrap();
        assert_eq!(written, self.holds(claim), "only who holds the lease writes");
        if written {
            self.jobs.get_mut(&claim.job).unwrap().checkpoint = Some(self.checkpoints);
        }
    }

    async fn expire(&mut self, connection: &mut AsyncPgConnection) {
        let late: Vec<JobId> = ids(connection, "leased_until < clock_timestamp()").await;
        let expired = store::expire(connection, LEASE).await.unwrap();
        assert_eq!(expired, late.len());
        for id in late {
            let known = self.jobs.get_mut(&id).unwrap();
            known.place = Place::Waiting.unless_cancelled(known.cancelling);
        }
    }

    async fn cancel(&mut self, connection: &mut AsyncPgConnection, job: usize) {
        let Some(id) = nth(&self.order, job) else { return };
        let cancel: db::Result<_> =
            db::transaction(connection, async |connection| store::cancel(connection, None, *id).await).await;
        let known = self.jobs.get_mut(id).unwrap();
        let wanted = match known.place {
            Place::Waiting => Cancelled::Over,
            Place::Running(_) => Cancelled::Asked,
            Place::Ended(_) => Cancelled::No,
        };
        assert_eq!(cancel.unwrap(), wanted);
        known.cancelling |= wanted == Cancelled::Asked;
        if wanted == Cancelled::Over {
            known.place = Place::Ended("cancelled");
        }
    }

    async fn replay(&mut self, connection: &mut AsyncPgConnection, job: usize) {
        let Some(id) = nth(&self.order, job).copied() else { return };
        let replayed: db::Result<_> =
            db::transaction(connection, async |connection| store::replay(connection, id).await).await;
        let known = self.jobs.get_mut(&id).unwrap();
        if let Place::Ended("discarded" | "cancelled") = known.place {
            assert_eq!(replayed.unwrap(), Replayed::Yes);
            known.place = Place::Waiting;
            (known.attempts, known.cancelling) = (0, false);
            // It comes after those that were enqueued meanwhile.
            self.order.retain(|other| *other != id);
            self.order.push(id);
        }
    }

    /// What is stored is what the model says, each job once.
    async fn agrees(&self, connection: &mut AsyncPgConnection) {
        let mut stored: BTreeMap<JobId, Vec<String>> = BTreeMap::new();
        let filter = crate::Filter::default();
        let page = service_kit::page::Page { limit: 10_000, after: None };
        for job in store::list(connection, filter, page).await.unwrap() {
            stored.entry(job.id).or_default().push(job.state);
        }
        assert_eq!(stored.len(), self.jobs.len(), "no job is lost");
        for (id, known) in &self.jobs {
            let states: Vec<&str> = stored[id].iter().map(String::as_str).collect();
            let fits = match (&known.place, states.as_slice()) {
                (Place::Waiting, ["ready" | "scheduled" | "parked"]) | (Place::Running(_), ["running"]) => {
                    true
                }
                (Place::Ended(outcome), [state]) => outcome == state,
                _ => false,
            };
            assert!(fits, "{id}: {known:?}, but {states:?}");
        }
    }

    /// Whatever happened, all that is left gets done.
    async fn drains(&mut self, connection: &mut AsyncPgConnection) {
        for _ in 0..200 {
            let all =
                "UPDATE jobs SET leased_until = clock_timestamp() - interval '1 s' WHERE state = 'running'";
            connection.batch_execute(all).await.unwrap();
            self.expire(connection).await;
            make_due(connection).await;
            let before = self.claims.len();
            self.claim(connection, 0, 10).await;
            for claim in before..self.claims.len() {
                self.end(connection, claim, 0).await;
            }
            if !self.jobs.values().any(|known| matches!(known.place, Place::Waiting | Place::Running(_))) {
                return;
            }
        }
        panic!("some jobs never get their turn");
    }
}

/// The one that a number means, of those that there are.
fn nth<T>(all: &[T], number: usize) -> Option<&T> {
    all.get(number.checked_rem(all.len())?)
}

async fn finish(connection: &mut AsyncPgConnection, finished: &[Finished], lane: u8) -> Vec<JobId> {
    let key = Piece { lane }.lane().map(|lane| lane.key);
    let ended: db::Result<_> = match key {
        None => store::finish(connection, finished).await,
        Some(key) => {
            db::transaction(connection, async |connection| {
                store::finish_in_lanes(connection, finished, &[key]).await
            })
            .await
        }
    };
    ended.unwrap()
}

async fn make_due(connection: &mut AsyncPgConnection) {
    let due = "UPDATE jobs SET run_at = clock_timestamp() WHERE state = 'scheduled'";
    connection.batch_execute(due).await.unwrap();
    store::promote(connection).await.unwrap();
}

async fn ids(connection: &mut AsyncPgConnection, of: &str) -> Vec<JobId> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: JobId,
    }
    let rows = diesel::sql_query(format!("SELECT id FROM jobs WHERE {of}"));
    let rows: Vec<Row> = rows.load(connection).await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

#[test]
fn any_history_agrees_with_a_model_and_everything_gets_done() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (database, db) = runtime.block_on(async {
        let migrate = async |url: String| {
            let catalogue = Catalogue::embedded(&[&crate::MIGRATIONS]).unwrap();
            Migrator::new(&url, None, catalogue).unwrap().up().await.unwrap();
        };
        let database = TestDatabase::create("jobs", migrate).await;
        let url = database.url().to_owned().into();
        let db = Db::new(&Database { url, owner_url: None, pool_size: 2, ca_file: None }).unwrap();
        (database, db)
    });
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(48));
    let outcome = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let mut connection = db.connection().await.unwrap();
            connection.batch_execute("TRUNCATE jobs, jobs_history").await.unwrap();
            let mut model = Model::default();
            for step in steps {
                model.step(&mut connection, step).await;
                model.agrees(&mut connection).await;
            }
            model.drains(&mut connection).await;
            model.agrees(&mut connection).await;
        });
        Ok(())
    });
    drop(database);
    outcome.unwrap();
}
