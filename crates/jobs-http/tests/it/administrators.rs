use contract_jobs::{JobState, Wanted, routes};
use ids::{JobId, OrgId};
use reqwest::Method;
use testing::Person;

use crate::spawn::{Jobs, SERVICE, Task, USER, refusal, spawn};

fn pair(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[actix_web::test]
async fn everything_here_needs_the_scope_of_administrators() {
    let jobs = spawn().await;
    let person = Person::with_scopes(USER);
    let (token, id) = (jobs.token(&person), jobs.enqueue(Some(person.org), &Task::of(1)).await);
    let client = jobs.client();
    let refusals = [
        refusal(client.all(&token, &Wanted::default()).await),
        refusal(client.counts(&token).await),
        refusal(client.any(&token, id).await),
        refusal(client.retry_any(&token, id).await),
        refusal(client.cancel_any(&token, id).await),
    ];
    assert_eq!(refusals, [(); 5].map(|()| pair(403, "insufficient_scope")));
}

#[actix_web::test]
async fn a_dead_letter_is_seen_and_tried_again() {
    let mut jobs = spawn().await;
    let (admin, org) = (jobs.admin(), OrgId::generate());
    let id = jobs.enqueue(Some(org), &Task { senseless: true, ..Task::default() }).await;
    assert_eq!(refusal(jobs.client().retry_any(&admin, id).await), pair(409, "job_not_retryable"));
    let _steps = jobs.work();
    jobs.until(id, "discarded").await;
    let dead = jobs.client().any(&admin, id).await.unwrap();
    assert_eq!(dead.last_error.as_deref(), Some("the secret inner reason"));
    assert_eq!((dead.org_id, dead.job.attempt), (Some(org), 1));
    assert_eq!(dead.payload["senseless"], true);
    let counts = jobs.client().counts(&admin).await.unwrap().data;
    let discarded = counts.iter().find(|count| count.state == JobState::Discarded).unwrap();
    assert_eq!((discarded.kind.as_str(), discarded.count), ("prefs.try_task", 1));
    let again = jobs.client().retry_any(&admin, id).await.unwrap();
    assert_eq!(again.job.state, JobState::Ready);
    jobs.until(id, "discarded").await;
    assert_eq!(jobs.audited(id).await, ["job.retried"], "the refused one left nothing");
}

#[actix_web::test]
async fn one_whose_work_another_does_is_not_tried_again() {
    let jobs = spawn().await;
    let admin = jobs.admin();
    let task = Task { unique: Some("same".to_owned()), ..Task::of(1) };
    let first = jobs.enqueue(None, &task).await;
    assert_eq!(jobs.client().cancel_any(&admin, first).await.unwrap().job.state, JobState::Cancelled);
    let second = jobs.enqueue(None, &task).await;
    assert_ne!(first, second);
    assert_eq!(refusal(jobs.client().retry_any(&admin, first).await), pair(409, "job_unique_taken"));
    jobs.client().cancel_any(&admin, second).await.unwrap();
    assert_eq!(jobs.client().retry_any(&admin, first).await.unwrap().job.state, JobState::Ready);
    assert_eq!(jobs.audited(first).await, ["job.cancelled", "job.retried"]);
}

#[actix_web::test]
async fn any_job_is_cancelled_and_once_for_a_key() {
    let mut jobs = spawn().await;
    let (admin, org) = (jobs.admin(), OrgId::generate());
    let id = jobs.enqueue(Some(org), &Task::of(1)).await;
    let _steps = jobs.work();
    jobs.until(id, "running").await;
    let path = routes::of(SERVICE, routes::CANCEL_ANY_JOB).replace("{id}", &id.to_string());
    for replayed in [false, true] {
        let reply =
            jobs.raw(Method::POST, &path, &admin).header("idempotency-key", "k").send().await.unwrap();
        assert_eq!(reply.status().as_u16(), 202);
        assert_eq!(reply.headers().contains_key("idempotency-replayed"), replayed);
    }
    jobs.until(id, "cancelled").await;
    assert_eq!(refusal(jobs.client().cancel_any(&admin, id).await), pair(409, "job_over"));
    assert_eq!(jobs.audited(id).await, ["job.cancelled"]);
    let unknown = JobId::generate();
    assert_eq!(refusal(jobs.client().any(&admin, unknown).await), pair(404, "job_not_found"));
    assert_eq!(refusal(jobs.client().cancel_any(&admin, unknown).await), pair(404, "job_not_found"));
    assert_eq!(refusal(jobs.client().retry_any(&admin, unknown).await), pair(404, "job_not_found"));
}

/// All pages of a list, two jobs each.
async fn pages(jobs: &Jobs, admin: &str, wanted: Wanted) -> Vec<JobId> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = Wanted { limit: Some(2), cursor, ..wanted.clone() };
        let page = jobs.client().all(admin, &page).await.unwrap();
        assert!(page.data.len() <= 2);
        ids.extend(page.data.iter().map(|job| job.job.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return ids;
        }
    }
}

#[actix_web::test]
async fn the_list_goes_through_the_queue_and_the_history() {
    let jobs = spawn().await;
    let (admin, org) = (jobs.admin(), OrgId::generate());
    let mut made = Vec::new();
    for at in 0..5 {
        made.push(jobs.enqueue((at % 2 == 0).then_some(org), &Task::of(1)).await);
    }
    jobs.client().cancel_any(&admin, made[1]).await.unwrap();
    jobs.client().cancel_any(&admin, made[2]).await.unwrap();
    let latest_first: Vec<JobId> = made.iter().rev().copied().collect();
    assert_eq!(pages(&jobs, &admin, Wanted::default()).await, latest_first);
    let owned = pages(&jobs, &admin, Wanted { org_id: Some(org), ..Wanted::default() }).await;
    assert_eq!(owned, [made[4], made[2], made[0]]);
    let cancelled = Wanted { state: Some(JobState::Cancelled), ..Wanted::default() };
    assert_eq!(pages(&jobs, &admin, cancelled).await, [made[2], made[1]]);
    let kind = |kind: &str| Wanted { kind: Some(kind.to_owned()), ..Wanted::default() };
    assert_eq!(pages(&jobs, &admin, kind("prefs.try_task")).await.len(), 5);
    assert!(pages(&jobs, &admin, kind("prefs.other")).await.is_empty());
}

#[actix_web::test]
async fn a_bad_query_is_refused() {
    let jobs = spawn().await;
    let admin = jobs.admin();
    let path = routes::of(SERVICE, routes::ALL_JOBS);
    let bad = [
        "state=nonsense",
        "limit=0",
        "limit=101",
        "cursor=nonsense",
        "kind=%00",
        "org_id=nonsense",
        "unknown=1",
    ];
    for query in bad {
        let reply = jobs.raw(Method::GET, &format!("{path}?{query}"), &admin).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), 400, "{query}");
        assert_eq!(reply.headers()["content-type"], "application/problem+json", "{query}");
    }
}
