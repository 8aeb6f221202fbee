//! Jobs as administrators see them through the gateway, and operators by the command line.

use std::time::{Duration, Instant};

use contract_jobs::{Client, JobDetails, JobState, Wanted};
use e2e::{Plinth, Somebody, code, refused};
use service_discovery::Service;

/// The first job of prefs that succeeded, as soon as there is one.
async fn succeeded(jobs: &Client, admin: &str) -> JobDetails {
    let wanted = Wanted { state: Some(JobState::Succeeded), ..Wanted::default() };
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let page = jobs.all(admin, &wanted).await.unwrap();
        if let Some(job) = page.data.into_iter().next() {
            return job;
        }
        assert!(Instant::now() < deadline, "nothing was done");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_a_deletion_makes_prefs_do_is_seen() {
    let plinth = Plinth::start_without_grace().await;
    let (root, ada) = (Somebody::administer(&plinth).await, Somebody::arrive(&plinth).await);
    let bob = Somebody::arrive(&plinth).await;
    ada.auth.delete_me(ada.token()).await.unwrap();
    let of = |service| Client::new(plinth.peer(), service);
    let (prefs, admin) = (of(Service::Prefs), root.token().expose());
    let job = succeeded(&prefs, admin).await;
    let id = job.job.id;
    assert_eq!(prefs.any(admin, id).await.unwrap().job, job.job);
    assert_eq!(refused(prefs.cancel_any(admin, id).await), code(409, "job_over"));
    assert_eq!(refused(prefs.job(bob.token().expose(), id).await), code(404, "job_not_found"));
    assert_eq!(refused(prefs.any(bob.token().expose(), id).await), code(403, "insufficient_scope"));
    assert_eq!(refused(of(Service::Auth).any(admin, id).await), code(404, "job_not_found"));
    assert!(of(Service::Auth).counts(admin).await.is_ok());
    let shown = plinth.command(&["jobs", "show", &id.to_string(), "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&shown["service"], &shown["state"]), (&"prefs".into(), &"succeeded".into()));
}
