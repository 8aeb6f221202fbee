//! What the databases look like. Nothing here changes them.

use anyhow::Context;
use service_kit::migrations::{History, State};

use crate::databases::ServiceDatabase;
use crate::say;

/// A line for every migration of every service.
pub(super) async fn status(databases: &[ServiceDatabase]) -> anyhow::Result<()> {
    for database in databases {
        say(database.service.name())?;
        for entry in &history(database).await?.entries {
            let state = match entry.state {
                State::Applied(at) => format!("applied {at}"),
                State::Pending => "pending".to_owned(),
                State::Edited => "EDITED after it was applied".to_owned(),
                State::Missing => "applied, but NOT IN THIS RELEASE".to_owned(),
                State::Skipped => "SKIPPED: older than what was applied".to_owned(),
            };
            say(&format!("  {:<48} {state}", entry.to_string()))?;
        }
    }
    Ok(())
}

/// The SQL of all that is pending.
pub(super) async fn plan(databases: &[ServiceDatabase]) -> anyhow::Result<()> {
    let mut pending = 0;
    for database in databases {
        let history = history(database).await?;
        refuse_disorder(database, &history)?;
        for entry in history.pending() {
            let known = database.catalogue.migrations().iter();
            let migration = known.filter(|migration| migration.version == entry.version);
            for migration in migration {
                pending += 1;
                say(&format!("-- {}: {migration}\n{}", database.service, migration.up.trim_end()))?;
            }
        }
    }
    if pending == 0 { say("-- nothing is pending") } else { Ok(()) }
}

/// Fails unless everything is applied and nothing was edited.
pub(super) async fn check(databases: &[ServiceDatabase]) -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for database in databases {
        let history = history(database).await?;
        let name = database.service.name();
        faults.extend(history.disorders().iter().map(|disorder| format!("{name}: {disorder}")));
        faults.extend(history.pending().map(|entry| format!("{name}: {entry} is pending")));
    }
    anyhow::ensure!(faults.is_empty(), "{}", faults.join("\n"));
    say("every migration is applied, and none was edited")
}

async fn history(database: &ServiceDatabase) -> anyhow::Result<History> {
    let name = database.service.name();
    database.migrator()?.history().await.with_context(|| format!("can't look at {name}'s database"))
}

fn refuse_disorder(database: &ServiceDatabase, history: &History) -> anyhow::Result<()> {
    let disorders: Vec<String> = history.disorders().iter().map(ToString::to_string).collect();
    anyhow::ensure!(disorders.is_empty(), "{}: {}", database.service, disorders.join("\n"));
    Ok(())
}
