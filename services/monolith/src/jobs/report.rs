//! How jobs are shown: tables for people, JSON for machines.

use std::time::Duration;

use contract_jobs::{JobCount, JobDetails, JobState};
use ids::Timestamp;
use serde::Serialize;

use super::{Of, table::Table};
use crate::say;

/// The most characters of a failure in a list.
const SHORT: usize = 60;

/// How many jobs there are.
pub(super) fn counts(counts: &[Of<JobCount>], json: bool) -> anyhow::Result<()> {
    if json {
        return as_json(&counts);
    }
    if counts.is_empty() {
        return say("nothing waits, runs or failed for good");
    }
    let mut table = Table::new(["SERVICE", "KIND", "STATE", "COUNT", "OLDEST"]);
    for Of { service, value: JobCount { kind, state, count, oldest_seconds } } in counts {
        let oldest = Duration::try_from_secs_f64(*oldest_seconds).unwrap_or_default();
        let oldest = if oldest.is_zero() { "-".to_owned() } else { span(oldest) };
        table.add([(*service).to_owned(), kind.clone(), state.to_string(), count.to_string(), oldest]);
    }
    table.say()?;
    if counts.iter().any(|count| count.value.state == JobState::Discarded) {
        say("what is discarded failed for good: `plinth jobs list --state discarded` says why")?;
    }
    Ok(())
}

/// One line a job.
pub(super) fn list(jobs: &[Of<JobDetails>], json: bool) -> anyhow::Result<()> {
    if json {
        return as_json(&jobs);
    }
    if jobs.is_empty() {
        return say("there are none");
    }
    let now = Timestamp::now();
    let mut table = Table::new(["SERVICE", "ID", "KIND", "STATE", "ATTEMPT", "AGE", "LAST ERROR"]);
    for Of { service, value: details } in jobs {
        let job = &details.job;
        let error: String = details.last_error.iter().flat_map(|why| why.chars()).take(SHORT).collect();
        table.add([
            (*service).to_owned(),
            job.id.to_string(),
            job.kind.clone(),
            job.state.to_string(),
            format!("{}/{}", job.attempt, details.max_attempts),
            span(now.since(job.created_at)),
            error.replace(char::is_control, " "),
        ]);
    }
    table.say()
}

/// All of one job.
pub(super) fn show(of: &Of<JobDetails>, json: bool) -> anyhow::Result<()> {
    if json {
        return as_json(of);
    }
    let details = &of.value;
    let job = &details.job;
    let progress = job.progress.as_ref().map(serde_json::to_string).transpose()?;
    let checkpoint = details.checkpoint.as_ref().map(ToString::to_string);
    let lines = [
        ("id", Some(job.id.to_string())),
        ("service", Some(of.service.to_owned())),
        ("kind", Some(job.kind.clone())),
        ("state", Some(job.state.to_string())),
        ("cancelling", job.cancel_requested.then(|| "yes".to_owned())),
        ("attempt", Some(format!("{} of {}", job.attempt, details.max_attempts))),
        ("organisation", details.org_id.map(|org| org.to_string())),
        ("user", details.user_id.map(|user| user.to_string())),
        ("lane", details.lane.clone()),
        ("created", Some(job.created_at.to_string())),
        ("due", details.run_at.map(|at| at.to_string())),
        ("started", job.started_at.map(|at| at.to_string())),
        ("finished", job.finished_at.map(|at| at.to_string())),
        ("worker", details.worker.clone()),
        ("progress", progress),
        ("checkpoint", checkpoint),
        ("payload", Some(details.payload.to_string())),
        ("last error", details.last_error.clone()),
    ];
    for (name, value) in lines {
        value.map_or(Ok(()), |value| say(&format!("{name:<13} {value}")))?;
    }
    say(&next(details))
}

/// What can be done about it.
fn next(details: &JobDetails) -> String {
    let id = details.job.id;
    match details.job.state {
        JobState::Succeeded => "it is done".to_owned(),
        JobState::Discarded | JobState::Cancelled => {
            format!("once its cause is mended: `plinth jobs retry {id}`")
        }
        JobState::Scheduled => {
            format!("to run it now: `plinth jobs retry {id}`; to give it up: `plinth jobs cancel {id}`")
        }
        JobState::Ready | JobState::Parked | JobState::Running => {
            format!("to give it up: `plinth jobs cancel {id}`")
        }
    }
}

fn as_json(value: &impl Serialize) -> anyhow::Result<()> {
    say(&serde_json::to_string_pretty(value)?)
}

/// A span in its largest whole unit.
fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_a_unit_that_says_enough() {
        let told = |seconds| span(Duration::from_secs(seconds));
        assert_eq!([told(0), told(119), told(120), told(7199)], ["0 s", "119 s", "2 min", "119 min"]);
        assert_eq!([told(7200), told(172_799), told(172_800)], ["2 h", "47 h", "2 d"]);
    }
}
