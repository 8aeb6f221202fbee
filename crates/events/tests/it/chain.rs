//! The end of a job that tells the others.

use std::time::Duration;

use events::publish;
use jobs::{Done, Failure, Handlers, Job, Policy, Run, Worker};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::spawn::{Changed, Side, until};

/// Publishes with its end; the first attempt fails after that.
#[derive(Serialize, Deserialize)]
struct Tell {}

impl Job for Tell {
    type State = ();

    const KIND: &'static str = "test.tell";
    const POLICY: Policy = Policy { first_wait: Duration::from_millis(10), ..Policy::DEFAULT };

    async fn run(self, run: Run, (): ()) -> Result<Done, Failure> {
        let fails = run.attempt() == 1;
        run.finish(async |conn| {
            publish(conn, &Changed { thing: "told".to_owned(), version: 1 }).await?;
            if fails { Err(std::io::Error::other("not this time").into()) } else { Ok(()) }
        })
        .await
    }
}

#[actix_web::test]
async fn the_end_of_a_job_and_its_event_are_one() {
    let side = Side::new().await;
    let worker = Worker::new(side.db.clone(), Handlers::new().with::<Tell>(()), jobs::Options::default());
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::task::spawn_local(worker.run(async { drop(stopped.await) }));
    jobs::enqueue(&mut side.db.connection().await.unwrap(), &Tell {}).await.unwrap();
    let ended = "SELECT count(*) FROM jobs_history WHERE outcome = 'succeeded' AND attempt = 2";
    until("it ends", async || side.number(ended).await == 1).await;
    assert_eq!(
        side.number("SELECT count(*) FROM events").await,
        1,
        "that of the first attempt was rolled back"
    );
    drop(stop);
}
