//! Who runs beside whom.

use std::{collections::HashMap, time::Duration};

use crate::spawn::{Act, Probe, fixture, local, quick, work};

#[test]
fn an_ordered_lane_keeps_its_order_through_failures_and_several_workers() {
    local(async {
        let fixture = fixture().await;
        for number in 0..20 {
            for lane in ["a", "b", "c"] {
                let act = if number % 5 == 3 { Act::Fail(1) } else { Act::Nothing };
                fixture.enqueue(&Probe::ordered(format!("{lane}{number:02}"), act, lane)).await;
            }
        }
        let workers: Vec<_> = (0..3).map(|_| work(&fixture.database, quick())).collect();
        fixture.until("SELECT count(*) FROM jobs_history WHERE outcome = 'succeeded'", 60).await;
        let order = "SELECT count(*) FROM (
            SELECT payload->>'name' AS name, lag(payload->>'name') OVER (PARTITION BY lane ORDER BY started_at) AS before
            FROM jobs_history) x WHERE before > name";
        assert_eq!(fixture.number(order).await, 0);
        for worker in workers {
            worker.stop().await;
        }
    });
}

#[test]
fn a_limited_lane_is_never_wider_than_it_is() {
    local(async {
        let fixture = fixture().await;
        for number in 0..24 {
            fixture.enqueue(&Probe::limited(number, Act::Sleep(30), "narrow", 3)).await;
        }
        fixture.enqueue(&Probe::new("beside", Act::Nothing)).await;
        let workers: Vec<_> = (0..2).map(|_| work(&fixture.database, quick())).collect();
        let client = fixture.database.connect().await;
        let mut widest = 0;
        loop {
            let sql = "SELECT (SELECT count(*) FROM jobs WHERE state = 'running' AND lane = 'narrow'),
                              (SELECT count(*) FROM jobs_history)";
            let row = client.query_one(sql, &[]).await.unwrap();
            widest = widest.max(row.get::<_, i64>(0));
            if row.get::<_, i64>(1) == 25 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!((2..=3).contains(&widest), "{widest}");
        for worker in workers {
            worker.stop().await;
        }
    });
}

#[test]
fn a_long_lane_does_not_hold_up_the_others() {
    local(async {
        let fixture = fixture().await;
        fixture
            .execute(
                "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts, lane)
                 SELECT gen_random_uuid(), 'test.probe', '{\"name\": \"backlog\", \"act\": {\"Sleep\": 20}}', 1,
                        'ready', 5, 'long' FROM generate_series(1, 3000)",
            )
            .await;
        let worker = work(&fixture.database, quick());
        for number in 0..50 {
            fixture
                .enqueue(&Probe::ordered(format!("other{number}"), Act::Nothing, &format!("l{number}")))
                .await;
        }
        fixture.until("SELECT count(*) FROM jobs_history WHERE lane <> 'long'", 50).await;
        let of_the_long = fixture.number("SELECT count(*) FROM jobs_history WHERE lane = 'long'").await;
        assert!(of_the_long < 1500, "{of_the_long} of the backlog went first");
        worker.kill().await;
    });
}

#[test]
fn cancelling_the_first_of_a_lane_lets_the_next_one_run() {
    local(async {
        let fixture = fixture().await;
        let first = fixture.enqueue(&Probe::ordered("first", Act::Sleep(60_000), "lane")).await;
        let second = fixture.enqueue(&Probe::ordered("second", Act::Nothing, "lane")).await;
        let third = fixture.enqueue(&Probe::ordered("third", Act::Nothing, "lane")).await;
        let worker = work(&fixture.database, quick());
        fixture.until_state(first, "running").await;
        fixture.until_state(second, "parked").await;
        jobs::cancel(&fixture.db, None, second).await.unwrap();
        jobs::cancel(&fixture.db, None, first).await.unwrap();
        fixture.until_state(third, "succeeded").await;
        let tally: HashMap<_, _> = crate::spawn::tally(&worker.stop().await);
        assert!(!tally.contains_key("second"));
    });
}

#[test]
fn nobody_goes_through_a_long_lane_to_know_about_another() {
    local(async {
        let fixture = fixture().await;
        fixture
            .execute(
                "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts, lane, lane_width)
                 SELECT gen_random_uuid(), 'test.probe', '{\"name\": \"backlog\"}', 1, 'parked', 5, 'long', 1
                 FROM generate_series(1, 50000);
                 ANALYZE jobs",
            )
            .await;
        let scans = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'jobs'";
        let before = fixture.number(scans).await;
        let worker = work(&fixture.database, quick());
        for number in 0..100 {
            let lane = format!("l{}", number % 10);
            fixture.enqueue(&Probe::limited(number, Act::Sleep(1), &lane, 2)).await;
            fixture.enqueue(&Probe::ordered(number, Act::Sleep(1), &format!("o{lane}"))).await;
        }
        fixture.until("SELECT count(*) FROM jobs_history", 200).await;
        worker.stop().await;
        // Sessions tell what they did when they end.
        drop(fixture.db);
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let client = fixture.database.connect().await;
        let after: i64 = client.query_one(scans, &[]).await.unwrap().get(0);
        assert_eq!(after - before, 0, "the table was gone through");
    });
}
