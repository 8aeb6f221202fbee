use contract_jobs::{JobState, routes};
use ids::{JobId, OrgId};
use reqwest::Method;
use testing::Person;

use crate::spawn::{SERVICE, Task, USER, refusal, spawn};

fn pair(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[actix_web::test]
async fn a_job_is_there_for_its_organisation_alone() {
    let jobs = spawn().await;
    let owner = Person::with_scopes(USER);
    let id = jobs.enqueue(Some(owner.org), &Task::of(1)).await;
    let platforms = jobs.enqueue(None, &Task::of(1)).await;
    for person in [&owner, &owner.colleague()] {
        let job = jobs.client().job(&jobs.token(person), id).await.unwrap();
        assert_eq!((job.id, job.kind.as_str(), job.state), (id, "prefs.try_task", JobState::Ready));
        assert_eq!((job.attempt, job.cancel_requested, job.error), (0, false, None));
    }
    let elsewhere = Person { org: OrgId::generate(), ..owner.clone() };
    for stranger in
        [Person::with_scopes(USER), elsewhere, Person::with_scopes("jobs:read jobs:write jobs:admin")]
    {
        let token = jobs.token(&stranger);
        assert_eq!(refusal(jobs.client().job(&token, id).await), pair(404, "job_not_found"));
        assert_eq!(refusal(jobs.client().cancel(&token, id).await), pair(404, "job_not_found"));
        assert_eq!(refusal(jobs.client().events(&token, id, None).await), pair(404, "job_not_found"));
    }
    let own = jobs.token(&owner);
    for nobodys in [platforms, JobId::generate()] {
        assert_eq!(refusal(jobs.client().job(&own, nobodys).await), pair(404, "job_not_found"));
        assert_eq!(refusal(jobs.client().cancel(&own, nobodys).await), pair(404, "job_not_found"));
    }
    assert_eq!(jobs.client().job(&own, id).await.unwrap().state, JobState::Ready, "nobody cancelled it");
}

#[actix_web::test]
async fn each_act_needs_its_own_scope() {
    let jobs = spawn().await;
    let owner = Person::with_scopes("");
    let id = jobs.enqueue(Some(owner.org), &Task::of(1)).await;
    let with = |scopes: &str| jobs.token(&Person { scopes: scopes.to_owned(), ..owner.clone() });
    for scopes in ["", "jobs:write", "jobs:admin", "prefs:read"] {
        let read = refusal(jobs.client().job(&with(scopes), id).await);
        assert_eq!(read, pair(403, "insufficient_scope"), "{scopes}");
        let watched = refusal(jobs.client().events(&with(scopes), id, None).await);
        assert_eq!(watched, pair(403, "insufficient_scope"), "{scopes}");
    }
    for scopes in ["", "jobs:read", "jobs:admin"] {
        let cancelled = refusal(jobs.client().cancel(&with(scopes), id).await);
        assert_eq!(cancelled, pair(403, "insufficient_scope"), "{scopes}");
    }
    assert_eq!(refusal(jobs.client().job("nonsense", id).await).0, 401);
}

#[actix_web::test]
async fn what_is_no_id_and_no_method_is_told_apart() {
    let jobs = spawn().await;
    let token = jobs.token(&Person::with_scopes(USER));
    let path = |id: &str| routes::of(SERVICE, routes::JOB).replace("{id}", id);
    for bad in ["nonsense", "usr_01h455vb4pex5vsknk084sn02q", "job_", "JOB_01h455vb4pex5vsknk084sn02q"] {
        let reply = jobs.raw(Method::GET, &path(bad), &token).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), 404, "{bad}");
        let problem: problem::Problem = reply.json().await.unwrap();
        assert_eq!(problem.code, "path_not_found");
    }
    let id = JobId::generate().to_string();
    let reply = jobs.raw(Method::DELETE, &path(&id), &token).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.headers()["allow"].to_str().unwrap()), (405, "GET"));
}

#[actix_web::test]
async fn one_that_waits_is_cancelled_at_once() {
    let jobs = spawn().await;
    let owner = Person::with_scopes(USER);
    let (token, id) = (jobs.token(&owner), jobs.enqueue(Some(owner.org), &Task::of(1)).await);
    let path = routes::of(SERVICE, routes::CANCEL_JOB).replace("{id}", &id.to_string());
    let send = || jobs.raw(Method::POST, &path, &token).header("idempotency-key", "cancel-1").send();
    let first = send().await.unwrap();
    assert_eq!(first.status().as_u16(), 200);
    let first: contract_jobs::Job = first.json().await.unwrap();
    assert_eq!(first.state, JobState::Cancelled);
    let again = send().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<contract_jobs::Job>().await.unwrap(), first);
    assert_eq!(refusal(jobs.client().cancel(&token, id).await), pair(409, "job_over"));
    assert!(jobs.audited(id).await.is_empty(), "an owner's own affair");
}

#[actix_web::test]
async fn one_that_runs_is_asked_to_end() {
    let mut jobs = spawn().await;
    let owner = Person::with_scopes(USER);
    let (token, id) = (jobs.token(&owner), jobs.enqueue(Some(owner.org), &Task::of(1)).await);
    let _steps = jobs.work();
    jobs.until(id, "running").await;
    let asked = jobs.client().cancel(&token, id).await.unwrap();
    assert!(asked.cancel_requested && asked.state == JobState::Running);
    jobs.until(id, "cancelled").await;
    let job = jobs.client().job(&token, id).await.unwrap();
    assert!(job.finished_at.is_some() && job.error.is_none());
}

#[actix_web::test]
async fn owners_are_told_no_inner_failures() {
    let mut jobs = spawn().await;
    let owner = Person::with_scopes(USER);
    let task = Task { senseless: true, ..Task::default() };
    let (token, id) = (jobs.token(&owner), jobs.enqueue(Some(owner.org), &task).await);
    let _steps = jobs.work();
    jobs.until(id, "discarded").await;
    let path = routes::of(SERVICE, routes::JOB).replace("{id}", &id.to_string());
    let text = jobs.raw(Method::GET, &path, &token).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("It failed, and is not tried again."), "{text}");
    assert!(!text.contains("secret") && !text.contains("payload"), "{text}");
}
