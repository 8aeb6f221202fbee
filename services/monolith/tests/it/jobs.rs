//! `plinth jobs`, with jobs that lie in the databases of two services.

use ids::{JobId, OrgId};
use serde_json::Value;

use crate::migrate::{Cluster, text};

/// A job that failed for good.
async fn dead_letter(cluster: &Cluster, service: &str, unique: Option<&str>) -> JobId {
    let id = JobId::generate();
    let insert = "INSERT INTO jobs_history (id, org_id, kind, payload, priority, attempt, max_attempts, unique_key,
                                            progress_seq, outcome, last_error, created_at)
                  VALUES ($1::text::uuid, $2::text::uuid, 'test.try', '{\"page\": 7}', 1, 3, 3, $3, 4, 'discarded', 'no route to host', now())";
    let org = OrgId::generate().uuid().to_string();
    cluster.client(service).await.execute(insert, &[&id.uuid().to_string(), &org, &unique]).await.unwrap();
    id
}

/// A job that waits, and one of the same kind that a worker has.
async fn waiting_and_running(cluster: &Cluster, service: &str) -> (JobId, JobId) {
    let (waiting, running) = (JobId::generate(), JobId::generate());
    let insert = "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts, lease, leased_until)
                  VALUES ($1::text::uuid, 'test.try', '{}', 1, 'ready', 3, NULL, NULL),
                         ($2::text::uuid, 'test.try', '{}', 1, 'running', 3, gen_random_uuid(), now() + interval '1 hour')";
    let ids = [waiting, running].map(|id| id.uuid().to_string());
    cluster.client(service).await.execute(insert, &[&ids[0], &ids[1]]).await.unwrap();
    (waiting, running)
}

async fn audited(cluster: &Cluster, service: &str) -> String {
    let sql = "SELECT coalesce(string_agg(actor || ' ' || action, ', ' ORDER BY id), '') FROM audit_log";
    cluster.client(service).await.query_one(sql, &[]).await.unwrap().get(0)
}

impl Cluster {
    /// What the command says; whether it succeeded.
    fn jobs(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.plinth(&[&["jobs"], arguments].concat());
        (output.status.success(), text(&output))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (success, text) = self.jobs(&[arguments, &["--json"]].concat());
        assert!(success, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_looks_at_the_jobs_of_all_services() {
    let cluster = Cluster::start().await;
    assert!(cluster.plinth(&["migrate", "up"]).status.success());
    assert_eq!(cluster.jobs(&["counts"]), (true, "nothing waits, runs or failed for good\n".to_owned()));
    assert_eq!(cluster.jobs(&["list"]), (true, "there are none\n".to_owned()));
    let dead = dead_letter(&cluster, "prefs", None).await;
    let (waiting, running) = waiting_and_running(&cluster, "auth").await;

    let (_, counts) = cluster.jobs(&["counts"]);
    let lines: Vec<&str> = counts.lines().collect();
    assert_eq!(lines[0], "SERVICE  KIND      STATE      COUNT  OLDEST");
    assert!(lines[1].starts_with("auth     test.try  ready      1"), "{counts}");
    assert_eq!(lines[3], "prefs    test.try  discarded  1      -");
    assert!(lines[4].contains("plinth jobs list --state discarded"), "{counts}");
    assert_eq!(cluster.json(&["counts", "--service", "prefs"])[0]["state"], "discarded");

    let ids = |arguments: &[&str]| -> Vec<String> {
        let jobs = cluster.json(&[&["list"], arguments].concat());
        jobs.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = [running.to_string(), waiting.to_string(), dead.to_string()];
    assert_eq!(ids(&[]), all, "the latest first");
    assert_eq!(ids(&["--limit", "1"]), all[..1]);
    assert_eq!(ids(&["--state", "discarded"]), all[2..]);
    assert_eq!(ids(&["--service", "auth", "--kind", "test.try"]), all[..2]);
    assert!(ids(&["--kind", "test.other"]).is_empty());
    let (success, told) = cluster.jobs(&["list", "--state", "nonsense"]);
    assert!(!success && told.contains("only: ready, scheduled"), "{told}");

    let (_, shown) = cluster.jobs(&["show", &dead.to_string()]);
    for told in ["service       prefs", "attempt       3 of 3", "no route to host", r#"{"page":7}"#] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    assert!(shown.contains(&format!("plinth jobs retry {dead}")), "{shown}");
    assert_eq!(cluster.json(&["show", &waiting.to_string()])["service"], "auth");
    assert_eq!(audited(&cluster, "auth").await, "", "looking is not audited");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_retries_and_cancels() {
    let cluster = Cluster::start().await;
    assert!(cluster.plinth(&["migrate", "up"]).status.success());
    let dead = dead_letter(&cluster, "prefs", Some("one")).await.to_string();
    let (success, told) = cluster.jobs(&["retry", &dead]);
    assert!(success && told.contains("of prefs is in the queue"), "{told}");
    let (success, told) = cluster.jobs(&["retry", &dead]);
    assert!(!success && told.contains("is ready: only what is discarded"), "{told}");
    let twin = dead_letter(&cluster, "prefs", Some("one")).await.to_string();
    let (success, told) = cluster.jobs(&["retry", &twin]);
    assert!(!success && told.contains("another test.try does the same work"), "{told}");
    let (success, told) = cluster.jobs(&["cancel", &dead]);
    assert!(success && told.contains("is cancelled"), "{told}");
    let (success, told) = cluster.jobs(&["cancel", &dead]);
    assert!(!success && told.contains("is over already: it is cancelled"), "{told}");
    assert_eq!(cluster.json(&["retry", &twin])["state"], "ready");
    assert_eq!(
        audited(&cluster, "prefs").await,
        "operator job.retried, operator job.cancelled, operator job.retried"
    );

    let (_, running) = waiting_and_running(&cluster, "auth").await;
    let (success, told) = cluster.jobs(&["cancel", &running.to_string()]);
    assert!(success && told.contains("of auth runs, and was asked to end"), "{told}");
    let unknown = JobId::generate().to_string();
    let (success, told) = cluster.jobs(&["show", &unknown]);
    assert!(
        !success && told.contains("at auth or prefs or webhook; what ended is kept for 30 days"),
        "{told}"
    );
    let (success, told) = cluster.jobs(&["show", "--service", "auth", &dead]);
    assert!(!success && told.contains("at auth; "), "{told}");
    let (success, told) = cluster.jobs(&["show", "nonsense"]);
    assert!(!success && told.contains("nonsense"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_behind_is_named() {
    let cluster = Cluster::start().await;
    assert!(cluster.plinth(&["migrate", "up"]).status.success());
    assert!(cluster.plinth(&["migrate", "down", "--service", "auth", "--steps", "100"]).status.success());
    let (success, told) = cluster.jobs(&["counts"]);
    assert!(!success && told.contains("can't ask auth's database (`plinth migrate status`"), "{told}");
}
