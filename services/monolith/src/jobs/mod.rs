//! `plinth jobs`: the background work of all services, by an operator's hand.

mod act;
mod report;
mod table;

use anyhow::Context;
use contract_jobs::{JobCount, JobDetails, JobState};
use ids::JobId;
use jobs::Filter;
use serde::Serialize;
use service_discovery::Service;
use service_kit::{db::Db, page::Page};

use crate::databases::Where;

/// Looks at the background work of the services, and retries or cancels it.
///
/// Where their databases are, the services' own settings say (AUTH__DATABASE__URL and so on); without
/// any, those of the running `plinth dev` are meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    location: Where,
    /// Only this service's jobs.
    #[arg(long, global = true)]
    service: Option<Service>,
    /// Print JSON, for machines.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Count what waits, runs or failed for good, and say how long the oldest has been due.
    Counts,
    /// List jobs, the latest first: of the queue, and for 30 days what ended.
    List {
        /// Only in this state: ready, scheduled, parked, running, succeeded, discarded, cancelled.
        #[arg(long)]
        state: Option<JobState>,
        /// Only of this kind.
        #[arg(long)]
        kind: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Show all that is known of one job.
    Show {
        /// Its id: job_…
        id: JobId,
    },
    /// Put a job that failed for good or was cancelled back into the queue.
    Retry {
        /// Its id: job_…
        id: JobId,
    },
    /// Ask a job to end.
    Cancel {
        /// Its id: job_…
        id: JobId,
    },
}

/// The jobs of one service.
struct Queue {
    service: Service,
    db: Db,
}

/// Something of a service's.
#[derive(Serialize)]
struct Of<T> {
    service: &'static str,
    #[serde(flatten)]
    value: T,
}

/// Does it.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let queues = queues(&options)?;
    let json = options.json;
    match options.verb {
        Verb::Counts => report::counts(&counts(&queues).await?, json),
        Verb::List { state, kind, limit } => {
            let filter = Filter { state: state.map(JobState::name), kind: kind.as_deref(), org: None };
            report::list(&list(&queues, filter, limit).await?, json)
        }
        Verb::Show { id } => {
            let (queue, job) = find(&queues, id).await?;
            report::show(&queue.of(job), json)
        }
        Verb::Retry { id } => {
            let (queue, job) = find(&queues, id).await?;
            act::retry(queue, &job, json).await
        }
        Verb::Cancel { id } => {
            let (queue, job) = find(&queues, id).await?;
            act::cancel(queue, &job, json).await
        }
    }
}

fn queues(options: &Options) -> anyhow::Result<Vec<Queue>> {
    let databases = options.location.databases(options.service, None)?.services;
    let open = |settings| Db::new(&settings).map_err(anyhow::Error::from);
    let queues = databases.into_iter();
    queues.map(|of| Ok(Queue { service: of.service, db: open(of.settings)? })).collect()
}

impl Queue {
    fn of<T>(&self, value: T) -> Of<T> {
        Of { service: self.service.name(), value }
    }

    /// What to say when its database does not answer as it should.
    fn silent(&self) -> String {
        format!(
            "can't ask {}'s database (`plinth migrate status` says whether it is up to date)",
            self.service
        )
    }

    async fn find(&self, id: JobId) -> anyhow::Result<Option<JobDetails>> {
        let found = jobs::find(&self.db, None, id).await.with_context(|| self.silent())?;
        Ok(found.map(JobDetails::from))
    }
}

async fn counts(queues: &[Queue]) -> anyhow::Result<Vec<Of<JobCount>>> {
    let mut all = Vec::new();
    for queue in queues {
        let counts = jobs::counts(&queue.db).await.with_context(|| queue.silent())?;
        all.extend(counts.into_iter().map(|count| queue.of(count.into())));
    }
    Ok(all)
}

/// The latest of all services.
async fn list(queues: &[Queue], filter: Filter<'_>, limit: i64) -> anyhow::Result<Vec<Of<JobDetails>>> {
    let mut all = Vec::new();
    for queue in queues {
        let page = Page { limit, after: None };
        let jobs = jobs::list(&queue.db, filter, page).await.with_context(|| queue.silent())?;
        all.extend(jobs.into_iter().map(|job| queue.of(JobDetails::from(job))));
    }
    all.sort_by_key(|of| std::cmp::Reverse(of.value.job.id));
    all.truncate(usize::try_from(limit)?);
    Ok(all)
}

async fn find(queues: &[Queue], id: JobId) -> anyhow::Result<(&Queue, JobDetails)> {
    for queue in queues {
        if let Some(job) = queue.find(id).await? {
            return Ok((queue, job));
        }
    }
    let asked: Vec<&str> = queues.iter().map(|queue| queue.service.name()).collect();
    anyhow::bail!("there is no job {id} at {}; what ended is kept for 30 days", asked.join(" or "))
}
