//! What gets into the queue, and what becomes of it.

use std::time::Duration;

use ids::{OrgId, Timestamp};
use jobs::{Cancelled, NewJob, Replayed};
use service_kit::db;

use crate::spawn::{Act, EFFECTS, Probe, fixture, local, quick, work};

#[test]
fn a_job_is_there_if_and_only_if_its_cause_committed() {
    local(async {
        let fixture = fixture().await;
        let rolled_back: Result<(), db::Error> = fixture
            .db
            .transaction(async |connection| {
                jobs::enqueue(connection, &Probe::new("never", Act::Nothing)).await.unwrap();
                Err(diesel::result::Error::RollbackTransaction.into())
            })
            .await;
        assert!(rolled_back.is_err());
        assert_eq!(fixture.number("SELECT count(*) FROM jobs").await, 0);
        let id = fixture.enqueue(&Probe::new("now", Act::Nothing)).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(id, "succeeded").await;
        assert_eq!(*worker.stop().await.borrow(), ["now"]);
    });
}

#[test]
fn many_of_a_kind_are_enqueued_as_if_one_by_one() {
    local(async {
        let fixture = fixture().await;
        let names: Vec<String> = (0..300).map(|number| format!("{number:03}")).collect();
        let probes: Vec<Probe> =
            names.iter().map(|name| Probe::ordered(name.clone(), Act::Nothing, "l")).collect();
        let mut connection = fixture.db.connection().await.unwrap();
        jobs::enqueue_all(&mut connection, Some(OrgId::generate()), &probes).await.unwrap();
        jobs::enqueue_all::<Probe>(&mut connection, None, &[]).await.unwrap();
        let alike = "SELECT count(*) FROM jobs WHERE org_id IS NOT NULL AND state = 'ready' AND lane = 'l'
                     AND lane_width IS NULL AND attempt = 0";
        assert_eq!(fixture.number(alike).await, 300);
        let worker = work(&fixture.database, quick());
        while fixture.number("SELECT count(*) FROM jobs").await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(*worker.stop().await.borrow(), names, "in their order");
        let unique = Probe { unique: Some("one".to_owned()), ..Probe::new("u", Act::Nothing) };
        let twice = [&unique, &unique]
            .map(|probe| Probe { unique: probe.unique.clone(), ..Probe::new("u", Act::Nothing) });
        assert!(jobs::enqueue_all(&mut connection, None, &twice).await.is_err());
        assert_eq!(fixture.number("SELECT count(*) FROM jobs").await, 0, "all or none");
    });
}

#[test]
fn of_equal_unique_keys_one_is_active() {
    local(async {
        let fixture = fixture().await;
        let probe = Probe { unique: Some("one".to_owned()), ..Probe::new("u", Act::Nothing) };
        let mut connection = fixture.db.connection().await.unwrap();
        let first = jobs::enqueue(&mut connection, &probe).await.unwrap();
        let second = jobs::enqueue(&mut connection, &probe).await.unwrap();
        assert!(first.fresh && !second.fresh);
        assert_eq!(first.id, second.id);
        let worker = work(&fixture.database, quick());
        fixture.until_state(first.id, "succeeded").await;
        assert!(jobs::enqueue(&mut connection, &probe).await.unwrap().fresh, "the first one is over");
        worker.stop().await;
    });
}

#[test]
fn failures_are_tried_again_up_to_the_last_attempt() {
    local(async {
        let fixture = fixture().await;
        let twice = fixture.enqueue(&Probe::new("twice", Act::Fail(2))).await;
        let always = fixture.enqueue(&Probe::new("always", Act::Fail(99))).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(twice, "succeeded").await;
        fixture.until_state(always, "discarded").await;
        let dead = jobs::find(&fixture.db, None, always).await.unwrap().unwrap();
        assert_eq!((dead.attempt, dead.last_error.as_deref()), (5, Some("not yet")));
        let log = worker.stop().await;
        assert_eq!(log.borrow().iter().filter(|name| *name == "twice").count(), 3);
        assert_eq!(log.borrow().iter().filter(|name| *name == "always").count(), 5);
    });
}

#[test]
fn what_makes_no_sense_is_not_tried_again_and_a_panic_is() {
    local(async {
        let fixture = fixture().await;
        let senseless = fixture.enqueue(&Probe::new("senseless", Act::Discard)).await;
        let panics = fixture.enqueue(&Probe::new("panics", Act::Panic)).await;
        fixture.execute("INSERT INTO jobs (id, kind, payload, priority, state, max_attempts)
            VALUES ('00000000-0000-7000-8000-000000000001', 'test.probe', '{\"nonsense\": 1}', 1, 'ready', 5)").await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(senseless, "discarded").await;
        fixture.until_state(panics, "discarded").await;
        fixture.until("SELECT count(*) FROM jobs_history WHERE outcome = 'discarded'", 3).await;
        let dead = jobs::find(&fixture.db, None, panics).await.unwrap().unwrap();
        assert_eq!(dead.attempt, 5);
        assert!(dead.last_error.unwrap().contains("a handler's own fault"));
        assert_eq!(jobs::find(&fixture.db, None, senseless).await.unwrap().unwrap().attempt, 1);
        worker.stop().await;
    });
}

#[test]
fn a_retry_after_is_kept() {
    local(async {
        let fixture = fixture().await;
        let id = fixture.enqueue(&Probe::new("later", Act::After(60_000))).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(id, "scheduled").await;
        let wait = "SELECT extract(epoch FROM run_at - clock_timestamp())::bigint FROM jobs";
        assert!((30..=60).contains(&fixture.number(wait).await));
        // An operator need not wait.
        assert_eq!(jobs::replay(&fixture.db, id).await.unwrap(), Replayed::Yes);
        fixture.until_state(id, "succeeded").await;
        worker.stop().await;
    });
}

#[test]
fn what_is_scheduled_waits_and_what_has_priority_goes_first() {
    local(async {
        let fixture = fixture().await;
        let mut connection = fixture.db.connection().await.unwrap();
        let far = Timestamp::now() + Duration::from_secs(3600);
        let later = NewJob::of(&Probe::new("later", Act::Nothing)).unwrap().at(far);
        let later = later.enqueue(&mut connection).await.unwrap().id;
        for name in ["c", "d"] {
            jobs::enqueue(&mut connection, &Probe::new(name, Act::Nothing)).await.unwrap();
        }
        fixture.execute("UPDATE jobs SET priority = 0 WHERE payload->>'name' = 'd'").await;
        let worker = work(&fixture.database, jobs::Options { concurrency: 1, ..quick() });
        fixture.until("SELECT count(*) FROM jobs_history", 2).await;
        assert_eq!(*worker.log.borrow(), ["d", "c"]);
        assert_eq!(fixture.state(later).await, "scheduled");
        fixture.execute("UPDATE jobs SET run_at = clock_timestamp()").await;
        fixture.until_state(later, "succeeded").await;
        worker.stop().await;
    });
}

#[test]
fn a_transaction_that_commits_late_is_not_passed_over() {
    local(async {
        let fixture = fixture().await;
        let worker = work(&fixture.database, quick());
        let mut late = fixture.database.connect().await;
        let transaction = late.transaction().await.unwrap();
        let insert = "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts)
            VALUES ('00000000-0000-7000-8000-000000000002', 'test.probe', '{\"name\": \"late\"}', 1, 'ready', 5)";
        transaction.execute(insert, &[]).await.unwrap();
        for number in 0..100 {
            fixture.enqueue(&Probe::new(number, Act::Nothing)).await;
        }
        fixture.until("SELECT count(*) FROM jobs_history", 100).await;
        transaction.commit().await.unwrap();
        fixture.until("SELECT count(*) FROM jobs_history", 101).await;
        worker.stop().await;
    });
}

#[test]
fn what_commits_late_is_found_under_any_load() {
    local(async {
        let fixture = fixture().await;
        let worker = work(&fixture.database, jobs::Options { concurrency: 2, ..quick() });
        let mut late = fixture.database.connect().await;
        let transaction = late.transaction().await.unwrap();
        let insert = |id: &str, name: &str| {
            format!(
                "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts)
            SELECT {id}, 'test.probe', '{{\"name\": \"{name}\", \"act\": {{\"Sleep\": 10}}}}', 1, 'ready', 5"
            )
        };
        transaction.batch_execute(&insert("'00000000-0000-7000-8000-000000000003'", "late")).await.unwrap();
        let load = insert("gen_random_uuid()", "load");
        fixture.execute(&format!("{load} FROM generate_series(1, 3000)")).await;
        let client = fixture.database.connect().await;
        while client.query_one("SELECT count(*) FROM jobs_history", &[]).await.unwrap().get::<_, i64>(0) < 20
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        transaction.commit().await.unwrap();
        fixture.until("SELECT count(*) FROM jobs_history WHERE payload->>'name' = 'late'", 1).await;
        let left = fixture.number("SELECT count(*) FROM jobs").await;
        assert!(left > 500, "it waited behind what was enqueued after it: {left} are left");
        worker.kill().await;
    });
}

#[test]
fn a_wait_of_any_length_can_be_asked_for() {
    local(async {
        let fixture = fixture().await;
        let id = fixture.enqueue(&Probe::new("for ever", Act::After(u64::MAX))).await;
        let other = fixture.enqueue(&Probe::new("other", Act::Nothing)).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(id, "scheduled").await;
        fixture.until_state(other, "succeeded").await;
        worker.stop().await;
    });
}

#[test]
fn cancelling_ends_what_waits_at_once_and_what_runs_soon() {
    local(async {
        let fixture = fixture().await;
        let waits = fixture.enqueue(&Probe::new("waits", Act::Nothing)).await;
        assert_eq!(jobs::cancel(&fixture.db, None, waits).await.unwrap(), Cancelled::Over);
        assert_eq!(fixture.state(waits).await, "cancelled");
        assert_eq!(jobs::cancel(&fixture.db, None, waits).await.unwrap(), Cancelled::No);

        let runs = fixture.enqueue(&Probe::new("runs", Act::Sleep(60_000))).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(runs, "running").await;
        assert_eq!(jobs::cancel(&fixture.db, None, runs).await.unwrap(), Cancelled::Asked);
        fixture.until_state(runs, "cancelled").await;
        assert_eq!(*worker.stop().await.borrow(), ["runs"], "its end was never reached");
    });
}

#[test]
fn what_is_cancelled_while_it_fails_does_not_come_back() {
    local(async {
        let fixture = fixture().await;
        let id = fixture.enqueue(&Probe::new("stumbles", Act::Stumble(400))).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(id, "running").await;
        // Somebody cancels it, and commits only when the worker already waits to write its failure.
        let somebody = fixture.database.connect().await;
        let cancel = format!(
            "BEGIN; UPDATE jobs SET cancel_requested_at = clock_timestamp() WHERE id = '{}'",
            id.uuid()
        );
        somebody.batch_execute(&cancel).await.unwrap();
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        fixture.until(waits, 1).await;
        somebody.batch_execute("COMMIT").await.unwrap();
        fixture.until_state(id, "cancelled").await;
        worker.stop().await;
    });
}

#[test]
fn a_job_is_its_organisations_alone() {
    local(async {
        let fixture = fixture().await;
        let (owner, stranger) = (OrgId::generate(), OrgId::generate());
        let mut connection = fixture.db.connection().await.unwrap();
        let job = NewJob::of(&Probe::new("mine", Act::Nothing)).unwrap().org(owner);
        let id = job.enqueue(&mut connection).await.unwrap().id;
        assert!(jobs::find(&fixture.db, Some(stranger), id).await.unwrap().is_none());
        assert_eq!(jobs::cancel(&fixture.db, Some(stranger), id).await.unwrap(), Cancelled::No);
        assert!(jobs::find(&fixture.db, Some(owner), id).await.unwrap().is_some());
        assert_eq!(jobs::cancel(&fixture.db, Some(owner), id).await.unwrap(), Cancelled::Over);
        assert!(jobs::find(&fixture.db, Some(stranger), id).await.unwrap().is_none());
    });
}

#[test]
fn a_dead_letter_can_be_tried_again_unless_its_place_is_taken() {
    local(async {
        let fixture = fixture().await;
        let probe = Probe { unique: Some("one".to_owned()), ..Probe::new("dead", Act::Discard) };
        let dead = fixture.enqueue(&probe).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(dead, "discarded").await;
        assert_eq!(jobs::replay(&fixture.db, dead).await.unwrap(), Replayed::Yes);
        fixture.until("SELECT count(*) FROM jobs_history WHERE outcome = 'discarded'", 1).await;
        worker.stop().await;
        let other = fixture.enqueue(&probe).await;
        assert_eq!(jobs::replay(&fixture.db, dead).await.unwrap(), Replayed::Taken);
        assert_eq!(jobs::replay(&fixture.db, ids::JobId::generate()).await.unwrap(), Replayed::No);
        assert_eq!(jobs::cancel(&fixture.db, None, other).await.unwrap(), Cancelled::Over);
        assert_eq!(jobs::replay(&fixture.db, dead).await.unwrap(), Replayed::Yes);
        assert_eq!(fixture.state(dead).await, "ready");
    });
}

#[test]
fn effects_and_checkpoints_commit_with_the_job() {
    local(async {
        let fixture = fixture().await;
        fixture.execute(EFFECTS).await;
        let effect = fixture.enqueue(&Probe::new("effect", Act::Effect)).await;
        let steps = fixture.enqueue(&Probe::new("steps", Act::Steps(6))).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(effect, "succeeded").await;
        fixture.until_state(steps, "succeeded").await;
        assert_eq!(fixture.number("SELECT count(*) FROM effects WHERE name = 'effect'").await, 1);
        assert_eq!(
            fixture.number("SELECT count(*) FROM effects WHERE name = 'steps'").await,
            6,
            "no step twice"
        );
        assert_eq!(jobs::find(&fixture.db, None, steps).await.unwrap().unwrap().attempt, 2);
        worker.stop().await;
    });
}

#[test]
fn old_partitions_of_the_history_go_and_new_ones_come() {
    local(async {
        let fixture = fixture().await;
        let parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'jobs_history'::regclass";
        assert_eq!(fixture.number(parts).await, 9, "the coming week, today, and the default");
        fixture
            .execute(
                "CREATE TABLE jobs_history_20200101 PARTITION OF jobs_history
            FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')",
            )
            .await;
        fixture.execute("DROP TABLE jobs_history_default").await;
        fixture.execute("CREATE TABLE jobs_history_default PARTITION OF jobs_history DEFAULT").await;
        fixture.execute("SELECT jobs_rotate_history('30 days')").await;
        assert_eq!(fixture.number(parts).await, 9);
        assert_eq!(fixture.number("SELECT count(to_regclass('jobs_history_20200101'))").await, 0);
        // Asked for nonsense, it keeps what is of today all the same.
        let id = fixture.enqueue(&Probe::new("kept", Act::Nothing)).await;
        assert_eq!(jobs::cancel(&fixture.db, None, id).await.unwrap(), Cancelled::Over);
        fixture.execute("SELECT jobs_rotate_history('-5 days')").await;
        assert_eq!(fixture.state(id).await, "cancelled");
    });
}

#[test]
fn effects_of_many_commit_with_their_ends_and_one_that_cannot_harms_no_other() {
    local(async {
        let fixture = fixture().await;
        fixture.execute(EFFECTS).await;
        let bad = fixture.enqueue(&Probe::new("bad", Act::Noted)).await;
        let again = fixture.enqueue(&Probe::ordered("again", Act::NotedAgain, "b")).await;
        for number in 0..20 {
            fixture.enqueue(&Probe::new(number, Act::Noted)).await;
            fixture.enqueue(&Probe::limited(number, Act::Noted, "a", 3)).await;
        }
        let worker = work(&fixture.database, quick());
        fixture.until("SELECT count(*) FROM jobs_history WHERE outcome = 'succeeded'", 40).await;
        fixture.until_state(again, "scheduled").await;
        // It is given up after all of its attempts, each of which has failed.
        fixture.until_state(bad, "discarded").await;
        worker.stop().await;
        assert_eq!(fixture.number("SELECT count(*) FROM effects WHERE name <> 'again'").await, 40);
        assert_eq!(fixture.number("SELECT count(*) FROM effects WHERE name = 'again'").await, 1);
    });
}

#[test]
fn an_effect_of_an_attempt_whose_lease_is_lost_is_none() {
    local(async {
        let fixture = fixture().await;
        fixture.execute(EFFECTS).await;
        // Nobody writes ends as long as the queue is locked; the lease is gone by then.
        let id = fixture.enqueue(&Probe::ordered("once", Act::Noted, "l")).await;
        let mut holder = fixture.database.connect().await;
        let worker = work(&fixture.database, quick());
        let lock = holder.transaction().await.unwrap();
        lock.execute("SELECT pg_advisory_xact_lock(hashtextextended('jobs/l', 0))", &[]).await.unwrap();
        fixture.until("SELECT count(*) FROM jobs WHERE state IN ('ready', 'running')", 1).await;
        lock.execute("UPDATE jobs SET lease = gen_random_uuid() WHERE state = 'running'", &[]).await.unwrap();
        lock.commit().await.unwrap();
        fixture.until_state(id, "succeeded").await;
        worker.stop().await;
        assert_eq!(fixture.number("SELECT count(*) FROM effects").await, 1);
    });
}
