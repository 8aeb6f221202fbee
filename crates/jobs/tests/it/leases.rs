//! Workers that die, stand still, or are asked to end; and clocks that jump.

use std::time::Duration;

use crate::spawn::{Act, EFFECTS, Probe, fixture, local, quick, tally, work};

#[test]
fn what_a_dead_worker_held_is_done_by_another() {
    local(async {
        let fixture = fixture().await;
        let id = fixture.enqueue(&Probe::new("orphan", Act::Sleep(700))).await;
        let first = work(&fixture.database, quick());
        fixture.until_state(id, "running").await;
        first.kill().await;
        let second = work(&fixture.database, quick());
        fixture.until_state(id, "succeeded").await;
        assert_eq!(jobs::find(&fixture.db, None, id).await.unwrap().unwrap().attempt, 2);
        second.stop().await;
    });
}

#[test]
fn a_look_that_stood_still_does_not_put_off_the_next() {
    local(async {
        let fixture = fixture().await;
        let id = fixture.enqueue(&Probe::new("orphan", Act::Sleep(700))).await;
        let first = work(&fixture.database, quick());
        fixture.until_state(id, "running").await;
        first.kill().await;
        let mut locking = fixture.database.connect().await;
        let lock = locking.transaction().await.unwrap();
        lock.batch_execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let second = work(&fixture.database, quick());
        tokio::time::sleep(Duration::from_secs(3)).await;
        // The look that waits for the lock finds the lease unharmed, but only just.
        let renew = "UPDATE jobs SET leased_until = clock_timestamp() + interval '1 s'";
        lock.batch_execute(renew).await.unwrap();
        lock.commit().await.unwrap();
        fixture.until_state(id, "succeeded").await;
        second.stop().await;
    });
}

#[test]
fn a_worker_that_stood_still_changes_nothing_afterwards() {
    local(async {
        let fixture = fixture().await;
        fixture.execute(EFFECTS).await;
        fixture
            .execute(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.name = 'still' THEN PERFORM pg_sleep(2); END IF; RETURN NEW; END $$;
            CREATE TRIGGER slow BEFORE INSERT ON effects FOR EACH ROW EXECUTE FUNCTION slow()",
            )
            .await;
        let id = fixture.enqueue(&Probe::new("still", Act::Effect)).await;
        let first = work(&fixture.database, quick());
        fixture.until_state(id, "running").await;
        // As if its lease had run out while it stood still in the middle of its effects.
        fixture.execute("UPDATE jobs SET leased_until = clock_timestamp() - interval '1 s'").await;
        fixture.execute("ALTER TABLE effects DISABLE TRIGGER slow").await;
        let second = work(&fixture.database, quick());
        fixture.until_state(id, "succeeded").await;
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(
            fixture.number("SELECT count(*) FROM effects").await,
            1,
            "the late effects were rolled back"
        );
        first.stop().await;
        second.stop().await;
    });
}

#[test]
fn a_long_job_keeps_its_lease() {
    local(async {
        let fixture = fixture().await;
        let id = fixture.enqueue(&Probe::new("long", Act::Sleep(4000))).await;
        let workers = [work(&fixture.database, quick()), work(&fixture.database, quick())];
        fixture.until_state(id, "succeeded").await;
        assert_eq!(jobs::find(&fixture.db, None, id).await.unwrap().unwrap().attempt, 1);
        for worker in workers {
            worker.stop().await;
        }
    });
}

#[test]
fn a_row_that_somebody_locks_does_not_cost_other_jobs_their_lease() {
    local(async {
        let fixture = fixture().await;
        let locked = fixture.enqueue(&Probe::new("locked", Act::Sleep(60_000))).await;
        let other = fixture.enqueue(&Probe::new("other", Act::Sleep(4000))).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(locked, "running").await;
        fixture.until_state(other, "running").await;
        let holder = fixture.database.connect().await;
        let lock = format!("BEGIN; SELECT FROM jobs WHERE id = '{}' FOR UPDATE", locked.uuid());
        holder.batch_execute(&lock).await.unwrap();
        let second = work(&fixture.database, quick());
        fixture.until_state(other, "succeeded").await;
        assert_eq!(jobs::find(&fixture.db, None, other).await.unwrap().unwrap().attempt, 1);
        holder.batch_execute("ROLLBACK").await.unwrap();
        worker.kill().await;
        second.kill().await;
    });
}

#[test]
fn an_attempt_that_lost_its_lease_to_its_own_worker_ends_nothing() {
    local(async {
        let fixture = fixture().await;
        let id = fixture.enqueue(&Probe::new("twice", Act::Sleep(3000))).await;
        let worker = work(&fixture.database, quick());
        // The lease runs out again and again, until the very worker that runs it claims it anew.
        let late = "UPDATE jobs SET leased_until = clock_timestamp() - interval '1 s' WHERE attempt = 1 AND lease IS NOT NULL";
        while jobs::find(&fixture.db, None, id).await.unwrap().unwrap().attempt < 2 {
            fixture.execute(late).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fixture.until_state(id, "succeeded").await;
        assert_eq!(jobs::find(&fixture.db, None, id).await.unwrap().unwrap().attempt, 2);
        let tally = tally(&worker.stop().await);
        assert_eq!((tally["twice"], tally["twice slept"]), (2, 1), "the first attempt was interrupted");
    });
}

#[test]
fn a_worker_that_is_asked_to_end_finishes_or_gives_back() {
    local(async {
        let fixture = fixture().await;
        let short = fixture.enqueue(&Probe::new("short", Act::Sleep(300))).await;
        let long = fixture.enqueue(&Probe::new("long", Act::Sleep(60_000))).await;
        let options = jobs::Options { grace: Duration::from_secs(1), ..quick() };
        let worker = work(&fixture.database, options);
        fixture.until_state(short, "running").await;
        fixture.until_state(long, "running").await;
        worker.stop().await;
        assert_eq!(fixture.state(short).await, "succeeded");
        let given_back = jobs::find(&fixture.db, None, long).await.unwrap().unwrap();
        assert_eq!(
            (given_back.state.as_str(), given_back.attempt),
            ("ready", 0),
            "the attempt does not count"
        );
    });
}

#[test]
fn the_last_attempt_of_a_dead_worker_is_a_dead_letter() {
    local(async {
        let fixture = fixture().await;
        let id = fixture.enqueue(&Probe::new("killer", Act::Sleep(60_000))).await;
        fixture.execute("UPDATE jobs SET attempt = 4").await;
        let first = work(&fixture.database, quick());
        fixture.until_state(id, "running").await;
        first.kill().await;
        let second = work(&fixture.database, quick());
        fixture.until_state(id, "discarded").await;
        let dead = jobs::find(&fixture.db, None, id).await.unwrap().unwrap();
        assert!(dead.last_error.unwrap().contains("died or stood still"));
        second.stop().await;
    });
}

#[test]
fn a_clock_that_jumps_neither_loses_nor_doubles() {
    local(async {
        let fixture = fixture().await;
        fixture.execute(EFFECTS).await;
        let mut expected = 0;
        for number in 0..40 {
            fixture.enqueue(&Probe::new(number, Act::Effect)).await;
            expected += 1;
        }
        let slow = fixture.enqueue(&Probe::new("slow", Act::Sleep(3000))).await;
        let first = work(&fixture.database, quick());
        fixture.until_state(slow, "running").await;
        // The database's clock is put back by an hour: all that was written lies ahead.
        fixture
            .execute(
                "UPDATE jobs SET leased_until = leased_until + interval '1 hour' WHERE state = 'running'",
            )
            .await;
        first.kill().await;
        let second = work(&fixture.database, quick());
        fixture.until_state(slow, "running").await;
        // And put forward by an hour: every lease has run out.
        fixture
            .execute(
                "UPDATE jobs SET leased_until = leased_until - interval '1 hour' WHERE state = 'running'",
            )
            .await;
        fixture.until_state(slow, "succeeded").await;
        fixture.until("SELECT count(*) FROM effects", expected).await;
        assert_eq!(fixture.number("SELECT count(*) FROM jobs").await, 0);
        second.stop().await;
    });
}

#[test]
fn the_databases_restart_is_waited_for() {
    local(async {
        let fixture = fixture().await;
        fixture.execute(EFFECTS).await;
        let worker = work(&fixture.database, quick());
        for number in 0..30 {
            fixture.enqueue(&Probe::new(number, Act::Effect)).await;
            if number % 10 == 5 {
                // All connections of the worker break in the middle.
                fixture
                    .execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()",
                    )
                    .await;
            }
        }
        fixture.until("SELECT count(DISTINCT name) FROM effects", 30).await;
        fixture.until("SELECT count(*) FROM jobs", 0).await;
        assert_eq!(fixture.number("SELECT count(*) FROM effects").await, 30);
        let log = worker.stop().await;
        assert!(tally(&log).len() == 30);
    });
}
