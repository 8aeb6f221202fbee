//! Services run as in production: a role a process, two workers of each. What one of
//! them suffers, the others make good, and nothing is done twice.

use std::time::Duration;

use e2e::{Crowd, Fleet, FrozenPostgres, Member, Tables};
use futures_util::future::join_all;
use rustix::process::Signal;
use service_discovery::Service;

/// What a process has to end once it is asked to: the grace of its jobs and its
/// requests, and some for a busy machine.
const GRACE: Duration = Duration::from_secs(25);

const DOCUMENTS: &str = "SELECT count(*) FROM documents";
const TAKEN: &str = "SELECT count(*) FROM event_inbox";
const WAITING: &str = "SELECT count(*) FROM jobs WHERE kind = 'events.handle_event'";
const HANDLED: &str = "SELECT count(*) FROM jobs_history WHERE kind = 'events.handle_event'";
const PLANNED: &str = "SELECT count(*) FROM jobs WHERE kind = 'prefs.erase_documents'";
const DEAD: &str = "SELECT count(*) FROM jobs_history WHERE outcome <> 'succeeded'";

/// Of auth and prefs: one that serves and one that fires schedules.
struct Roles {
    fleet: Fleet,
    auth: Tables,
    prefs: Tables,
    serving: Vec<Member>,
    cron: Vec<Member>,
}

impl Roles {
    async fn start() -> Self {
        let mut fleet = Fleet::start().await;
        let (mut serving, mut cron) = (Vec::new(), Vec::new());
        for service in [Service::Auth, Service::Prefs] {
            serving.push(fleet.run(service, "api").await);
            cron.push(fleet.run(service, "cron").await);
        }
        let (auth, prefs) = (fleet.tables(Service::Auth), fleet.tables(Service::Prefs));
        Self { fleet, auth, prefs, serving, cron }
    }

    /// So many more people have preferences and are deleted.
    async fn delete(&self, size: usize) {
        let crowd = Crowd::of(size);
        crowd.choose(&self.prefs.connect().await.unwrap()).await.unwrap();
        crowd.go(&self.auth, 50, Duration::ZERO).await;
    }

    /// Waits until what `total` deletions ask for is done; each is done once.
    async fn handled(&self, total: i64) {
        self.prefs.until(TAKEN, total, Duration::from_secs(60)).await;
        self.prefs.until(HANDLED, total, Duration::from_secs(90)).await;
        self.prefs.hold(&[(TAKEN, total), (PLANNED, total), (WAITING, 0), (DEAD, 0), (DOCUMENTS, 0)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_does_its_own_and_two_workers_stand_in_for_each_other() {
    let mut roles = Roles::start().await;
    // Whoever serves tells nobody, and does no work.
    roles.delete(200).await;
    let telling = roles.fleet.run(Service::Auth, "worker").await;
    roles.prefs.until(TAKEN, 200, Duration::from_secs(30)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    roles.prefs.hold(&[(WAITING, 200), (HANDLED, 0)]).await;
    // A worker answers how it is, and nothing else.
    let first = roles.fleet.run(Service::Prefs, "worker").await;
    for url in [&first.url, &first.internal_url] {
        assert_eq!(first.status(url, "/healthz").await, 200);
        assert_eq!(first.status(url, "/api/v1/prefs/appearance").await, 404);
        assert_eq!(first.status(url, "/internal/v1/prefs/event-types").await, 404);
    }
    assert_eq!(roles.serving[1].status(&roles.serving[1].url, "/api/v1/prefs/appearance").await, 401);
    roles.handled(200).await;
    // Two share.
    let second = roles.fleet.run(Service::Prefs, "worker").await;
    let standby = roles.fleet.run(Service::Auth, "worker").await;
    roles.delete(600).await;
    roles.handled(800).await;
    let workers = "SELECT count(DISTINCT worker) FROM jobs_history WHERE kind = 'events.handle_event'";
    roles.prefs.hold(&[(workers, 2)]).await;
    stand_still(&roles, &telling, &first).await;
    vanish(&roles).await;
    let all = [telling, standby, first, second].into_iter().chain(roles.serving).chain(roles.cron);
    join_all(all.map(stops)).await;
}

/// A worker of each service stands still in the middle of its work for longer than its
/// lease. The others take over; when it goes on it finds that nothing is its own any more.
async fn stand_still(roles: &Roles, telling: &Member, working: &Member) {
    roles.delete(1_000).await;
    roles
        .prefs
        .until("SELECT (count(*) > 850)::int::int8 FROM jobs_history", 1, Duration::from_secs(30))
        .await;
    working.signal(Signal::STOP);
    telling.signal(Signal::STOP);
    // All but what it holds is done by the others, and then that, too.
    roles.handled(1_800).await;
    working.signal(Signal::CONT);
    telling.signal(Signal::CONT);
    roles.delete(200).await;
    roles.handled(2_000).await;
}

/// The database dies; then it stands still for longer than the relay's lease.
async fn vanish(roles: &Roles) {
    roles.delete(300).await;
    roles.fleet.servers().kill("postgres");
    roles.handled(2_300).await;
    roles.delete(300).await;
    let frozen = FrozenPostgres::of(roles.fleet.servers()).await;
    tokio::time::sleep(Duration::from_secs(17)).await;
    drop(frozen);
    roles.handled(2_600).await;
}

/// SIGTERM: it ends in time, and says that all is well.
async fn stops(mut member: Member) {
    member.signal(Signal::TERM);
    let status = member.ended(GRACE).await;
    assert!(status.is_some_and(|status| status.success()), "{status:?}: {}", member.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_to_end_does_though_others_stand_still() {
    let mut roles = Roles::start().await;
    let telling = roles.fleet.run(Service::Auth, "worker").await;
    roles.delete(20).await;
    roles.prefs.until(TAKEN, 20, Duration::from_secs(30)).await;
    // The receiver takes a connection and never answers.
    roles.serving[1].signal(Signal::STOP);
    roles.delete(20).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stops(telling).await;
    roles.serving[1].signal(Signal::CONT);
    // The database does the same.
    let telling = roles.fleet.run(Service::Auth, "worker").await;
    let working = roles.fleet.run(Service::Prefs, "worker").await;
    roles.handled(40).await;
    roles.delete(500).await;
    let frozen = FrozenPostgres::of(roles.fleet.servers()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let all = [telling, working].into_iter().chain(roles.serving).chain(roles.cron);
    join_all(all.map(stops)).await;
    drop(frozen);
}
