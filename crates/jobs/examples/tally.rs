//! A worker in thirty lines: every job adds a row to the table `tallies`, exactly once.
//!
//! `cargo run -p jobs --example tally -- postgres://user@host/database`
//!
//! The crash tests start several of it and kill them.

use std::time::Duration;

use diesel::{sql_query, sql_types::Integer};
use diesel_async::RunQueryDsl;
use jobs::{Done, Failure, Handlers, Job, Options, Run, Worker};
use serde::{Deserialize, Serialize};
use service_kit::{db::Db, settings::Database, signals};

/// The payload is the value itself.
#[derive(Debug, Serialize, Deserialize)]
struct Tally {
    number: i32,
}

impl Job for Tally {
    type State = ();

    const KIND: &'static str = "example.tally";

    async fn run(self, run: Run, (): ()) -> Result<Done, Failure> {
        run.finish(async |connection| {
            let insert = sql_query("INSERT INTO tallies (number) VALUES ($1)");
            insert.bind::<Integer, _>(self.number).execute(connection).await?;
            Ok(())
        })
        .await
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("which database? postgres://user@host/database")?;
    let db = Db::new(&Database { url: url.into(), owner_url: None, pool_size: 8, ca_file: None })?;
    let options = Options { lease: Duration::from_secs(3), ..Options::default() };
    let worker = Worker::new(db, Handlers::new().with::<Tally>(()), options);
    Box::pin(worker.run(async { drop(signals::terminated().await) })).await;
    Ok(())
}
