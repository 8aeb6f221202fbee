use contract_jobs::{Client, Event, Events, JobState, routes};
use identity::{Claims, Revocation};
use ids::JobId;
use reqwest::Method;
use testing::Person;

use crate::spawn::{Jobs, SERVICE, Task, USER, refusal, spawn};

/// A job of somebody, and their token.
async fn watched(jobs: &Jobs, steps: u64) -> (Person, String, JobId) {
    let owner = Person::with_scopes(USER);
    let id = jobs.enqueue(Some(owner.org), &Task::of(steps)).await;
    let token = jobs.token(&owner);
    (owner, token, id)
}

async fn open(client: &Client, token: &str, id: JobId, last: Option<i64>) -> Events {
    client.events(token, id, last).await.unwrap().unwrap()
}

/// The next event for which something holds; ids grow on the way.
async fn until(events: &mut Events, holds: impl Fn(&Event) -> bool) -> Event {
    let mut last = -1;
    while let Some(event) = events.next().await.unwrap() {
        assert!(event.id > last, "{} after {last}", event.id);
        last = event.id;
        if holds(&event) {
            return event;
        }
    }
    panic!("the stream ended before");
}

fn done(event: &Event) -> Option<u64> {
    event.job.progress.as_ref().map(|progress| progress.done)
}

#[actix_web::test]
async fn a_job_is_watched_from_the_queue_to_its_end() {
    let mut jobs = spawn().await;
    let (_, token, id) = watched(&jobs, 2).await;
    let mut events = open(jobs.client(), &token, id, None).await;
    let first = events.next().await.unwrap().unwrap();
    assert_eq!((first.job.id, first.job.state), (id, JobState::Ready));
    let steps = jobs.work();
    until(&mut events, |event| event.job.state == JobState::Running).await;
    for step in 1..=2 {
        steps.add_permits(1);
        let event = until(&mut events, |event| done(event) == Some(step)).await;
        assert_eq!(event.job.progress.unwrap().total, Some(2));
    }
    steps.add_permits(1);
    let end = until(&mut events, |event| event.job.state.is_over()).await;
    assert_eq!((end.job.state, end.job.progress.unwrap().done), (JobState::Succeeded, 2));
    assert!(events.next().await.unwrap().is_none(), "the stream closes");
    assert!(jobs.client().events(&token, id, Some(end.id)).await.unwrap().is_none(), "204");
    let mut again = open(jobs.client(), &token, id, Some(end.id - 1)).await;
    assert_eq!(
        again.next().await.unwrap(),
        Some(Event { id: end.id, job: jobs.client().job(&token, id).await.unwrap() })
    );
    assert!(again.next().await.unwrap().is_none());
}

#[actix_web::test]
async fn who_comes_back_is_told_nothing_twice_by_any_replica() {
    let mut jobs = spawn().await;
    let (_, token, id) = watched(&jobs, 2).await;
    let steps = jobs.work();
    steps.add_permits(1);
    let mut events = open(jobs.client(), &token, id, None).await;
    let seen = until(&mut events, |event| done(event) == Some(1)).await;
    jobs.replica.stop();
    assert!(events.next().await.unwrap().is_none(), "a clean end when the process drains");
    let other = jobs.another();
    let mut events = open(&other.client, &token, id, Some(seen.id)).await;
    steps.add_permits(1);
    let next = events.next().await.unwrap().unwrap();
    assert_eq!((next.id, done(&next)), (seen.id + 1, Some(2)));
    steps.add_permits(1);
    until(&mut events, |event| event.job.state == JobState::Succeeded).await;
}

#[actix_web::test]
async fn many_watch_one_job_and_each_sees_its_end() {
    let mut jobs = spawn().await;
    let (_, token, id) = watched(&jobs, 0).await;
    let mut all = Vec::new();
    for _ in 0..50 {
        all.push(open(jobs.client(), &token, id, None).await);
    }
    let steps = jobs.work();
    steps.add_permits(1);
    for mut events in all {
        until(&mut events, |event| event.job.state == JobState::Succeeded).await;
        assert!(events.next().await.unwrap().is_none());
    }
}

#[actix_web::test]
async fn a_stream_ends_with_its_credential() {
    let jobs = spawn().await;
    let (owner, token, id) = watched(&jobs, 1).await;
    let mut events = open(jobs.client(), &token, id, None).await;
    assert!(events.next().await.unwrap().is_some());
    jobs.revocations.hear([Revocation { subject: owner.sid.clone(), version: None }]);
    assert!(events.next().await.unwrap().is_none(), "it was revoked");
    assert_eq!(refusal(jobs.client().events(&token, id, None).await), (401, "token_revoked".to_owned()));

    let colleague = owner.colleague();
    let claims = jobs.issuer.claims(SERVICE, &colleague);
    let short = jobs.issuer.sign(&Claims { exp: claims.iat + 3, ..claims });
    let mut events = open(jobs.client(), &short, id, None).await;
    assert!(events.next().await.unwrap().is_some());
    assert!(events.next().await.unwrap().is_none(), "it expired");
    assert!(jobs.client().job(&jobs.token(&colleague), id).await.is_ok());
}

#[actix_web::test]
async fn the_stream_is_as_browsers_read_it() {
    let jobs = spawn().await;
    let (_, token, id) = watched(&jobs, 1).await;
    jobs.client().cancel(&token, id).await.unwrap();
    let path = routes::of(SERVICE, routes::JOB_EVENTS).replace("{id}", &id.to_string());
    let reply = jobs.raw(Method::GET, &path, &token).send().await.unwrap();
    assert_eq!(reply.headers()["content-type"], "text/event-stream");
    assert_eq!(reply.headers()["cache-control"], "no-store");
    let text = reply.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[1], lines[3]), ("retry: 1000", "", "event: end"));
    assert!(lines[2].starts_with("id: ") && lines[4].starts_with("data: {\"id\":\"job_"), "{text}");
    assert!(text.ends_with("}\n\n"));
    let query = format!("{path}?last_event_id={}", &lines[2]["id: ".len()..]);
    assert_eq!(jobs.raw(Method::GET, &query, &token).send().await.unwrap().status().as_u16(), 204);
}

#[actix_web::test]
async fn an_event_that_was_never_sent_counts_for_nothing() {
    let jobs = spawn().await;
    let (_, token, id) = watched(&jobs, 1).await;
    let mut events = open(jobs.client(), &token, id, Some(1000)).await;
    assert_eq!(events.next().await.unwrap().unwrap().job.state, JobState::Ready);
    let path = routes::of(SERVICE, routes::JOB_EVENTS).replace("{id}", &id.to_string());
    let reply =
        jobs.raw(Method::GET, &path, &token).header("last-event-id", "nonsense").send().await.unwrap();
    assert_eq!(reply.status().as_u16(), 400);
    let problem: problem::Problem = reply.json().await.unwrap();
    assert_eq!(problem.code, "last_event_id_malformed");
}

#[actix_web::test]
async fn asking_for_the_head_alone_opens_no_stream() {
    let jobs = spawn().await;
    let (_, token, id) = watched(&jobs, 1).await;
    let path = routes::of(SERVICE, routes::JOB_EVENTS).replace("{id}", &id.to_string());
    let reply = jobs.raw(Method::HEAD, &path, &token).send().await.unwrap();
    assert_eq!(
        (reply.status().as_u16(), reply.headers()["content-type"].to_str().unwrap()),
        (200, "text/event-stream")
    );
    assert_eq!(reply.text().await.unwrap(), "");
}
