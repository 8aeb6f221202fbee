//! Schedules.

use jobs::{Cron, Missed, Schedule};

use crate::spawn::{Act, Fixture, Probe, fixture, local, pool};

fn minutely(missed: Missed) -> Cron {
    let probe = Probe::new("tick", Act::Nothing);
    Cron::new(vec![Schedule::new("test.tick", "* * * * *", missed, probe).unwrap()])
}

/// As if the schedule had last been watched so long ago.
async fn asleep(fixture: &Fixture, interval: &str) {
    fixture.execute("DELETE FROM job_fires; DELETE FROM jobs").await;
    let watched = format!(
        "INSERT INTO job_fires (schedule, fire_at) VALUES ('test.tick', date_trunc('minute', clock_timestamp()) - interval '{interval}')"
    );
    fixture.execute(&watched).await;
}

#[test]
fn a_schedule_is_watched_from_its_first_sight_on() {
    local(async {
        let fixture = fixture().await;
        assert_eq!(minutely(Missed::All).tick(&fixture.db).await.unwrap(), 0);
        assert_eq!(fixture.number("SELECT count(*) FROM job_fires").await, 1);
        assert_eq!(fixture.number("SELECT count(*) FROM jobs").await, 0);
    });
}

#[test]
fn missed_fires_are_made_up_for_as_the_schedule_says() {
    local(async {
        let fixture = fixture().await;
        for (missed, least, most) in [(Missed::Skip, 1, 2), (Missed::Once, 1, 1), (Missed::All, 10, 11)] {
            asleep(&fixture, "10 minutes").await;
            let fired = minutely(missed).tick(&fixture.db).await.unwrap();
            assert!((least..=most).contains(&fired), "{missed:?}: {fired}");
            let enqueued = fixture.number("SELECT count(*) FROM jobs").await;
            assert_eq!(usize::try_from(enqueued), Ok(fired), "{missed:?}");
        }
        asleep(&fixture, "3 hours").await;
        assert_eq!(minutely(Missed::All).tick(&fixture.db).await.unwrap(), 100, "a hundred at most");
    });
}

#[test]
fn a_fire_is_one_job_however_many_watch() {
    local(async {
        let fixture = fixture().await;
        asleep(&fixture, "30 minutes").await;
        let watchers = (0..8).map(|_| async {
            let db = pool(&fixture.database);
            minutely(Missed::All).tick(&db).await.unwrap()
        });
        let fired: usize = futures_util::future::join_all(watchers).await.into_iter().sum();
        assert!((30..=31).contains(&fired), "{fired}");
        let enqueued = fixture.number("SELECT count(*) FROM jobs").await;
        assert_eq!(usize::try_from(enqueued), Ok(fired));
    });
}

#[test]
fn a_clock_that_is_put_back_does_not_silence_a_schedule() {
    local(async {
        let fixture = fixture().await;
        // It fired up to tomorrow; then the clock was put back to five minutes after its first fire.
        asleep(&fixture, "5 minutes").await;
        fixture
            .execute("INSERT INTO job_fires (schedule, fire_at) VALUES ('test.tick', clock_timestamp() + interval '1 day')")
            .await;
        assert_eq!(minutely(Missed::Once).tick(&fixture.db).await.unwrap(), 1);
        // And if all that it ever fired lies ahead, it is watched from now on.
        asleep(&fixture, "-1 day").await;
        assert_eq!(minutely(Missed::Once).tick(&fixture.db).await.unwrap(), 0);
        fixture.execute("UPDATE job_fires SET fire_at = fire_at - interval '2 minutes' WHERE fire_at <= clock_timestamp()").await;
        assert_eq!(minutely(Missed::Once).tick(&fixture.db).await.unwrap(), 1);
    });
}

#[test]
fn nonsense_is_no_schedule() {
    let bad = Schedule::new("test.tick", "61 * * * *", Missed::Skip, Probe::new("x", Act::Nothing));
    assert!(bad.unwrap_err().to_string().contains("61 * * * *"));
}
