//! What is done to an experiment, each inside one transaction that holds the set.

use audit::{Action, By, Entry};
use contract_prefs::{
    Experiment, ExperimentId, ExperimentState, NewExperiment, audited, events::ExperimentChanged,
};
use diesel_async::AsyncPgConnection;
use identity::Principal;
use ids::Timestamp;

use super::{rules, store};
use crate::{
    evaluation,
    flag_set::{self, FlagError},
};

/// Plans an experiment.
pub(super) async fn create(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    plan: &NewExperiment,
    now: Timestamp,
) -> Result<Experiment, FlagError> {
    flag_set::store::begin(conn, caller).await?;
    rules::accept(plan, &evaluation::store::snapshot(conn, caller.org).await?)?;
    if store::count(conn, caller.org).await? >= rules::MOST_EXPERIMENTS {
        return Err(FlagError::TooMany { what: "experiments", most: rules::MOST_EXPERIMENTS });
    }
    let made = store::insert(conn, caller.org, plan, now).await?;
    tell(conn, by, caller, &made, audited::EXPERIMENT_CREATED).await?;
    Ok(made)
}

/// Starts a draft, if its flag still has what it compares.
pub(super) async fn start(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    id: ExperimentId,
    now: Timestamp,
) -> Result<Experiment, FlagError> {
    flag_set::store::begin(conn, caller).await?;
    let held = store::find(conn, caller.org, id).await?;
    rules::accept(&held.plan, &evaluation::store::snapshot(conn, caller.org).await?)?;
    let started = store::start(conn, caller.org, id, now).await?;
    let started = started.ok_or_else(|| FlagError::WrongState(word(held.state)))?;
    tell(conn, by, caller, &started, audited::EXPERIMENT_STARTED).await?;
    Ok(started)
}

/// Stops one that runs.
pub(super) async fn stop(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    id: ExperimentId,
    now: Timestamp,
) -> Result<Experiment, FlagError> {
    flag_set::store::begin(conn, caller).await?;
    let held = store::find(conn, caller.org, id).await?;
    let stopped = store::stop(conn, caller.org, id, now).await?;
    let stopped = stopped.ok_or_else(|| FlagError::WrongState(word(held.state)))?;
    tell(conn, by, caller, &stopped, audited::EXPERIMENT_STOPPED).await?;
    Ok(stopped)
}

const fn word(state: ExperimentState) -> &'static str {
    match state {
        ExperimentState::Draft => "a draft",
        ExperimentState::Running => "running",
        ExperimentState::Stopped => "stopped",
    }
}

/// Into the audit log and the log of events.
async fn tell(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    experiment: &Experiment,
    action: Action,
) -> Result<(), FlagError> {
    let (org_id, experiment_id, state) = (caller.org, experiment.id, experiment.state);
    let flag = experiment.plan.flag.clone();
    audit::record(conn, by, Entry::of(action).on(experiment_id).with("flag", flag.as_str())).await?;
    let version = match state {
        ExperimentState::Draft => 1,
        ExperimentState::Running => 2,
        ExperimentState::Stopped => 3,
    };
    events::publish(conn, &ExperimentChanged { org_id, experiment_id, flag, state, version }).await?;
    Ok(())
}
