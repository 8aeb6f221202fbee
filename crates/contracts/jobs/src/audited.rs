//! What is audited of jobs, in every service.

use contract_audit::Action;

/// An administrator put a job back into the queue.
pub const JOB_RETRIED: Action = Action::new("job.retried", "An administrator put a job back into the queue.");

/// An administrator cancelled a job.
pub const JOB_CANCELLED: Action = Action::new("job.cancelled", "An administrator cancelled a job.");

/// All of it.
pub const ALL: [Action; 2] = [JOB_RETRIED, JOB_CANCELLED];
