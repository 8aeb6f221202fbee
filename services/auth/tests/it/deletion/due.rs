//! The end of a time of grace: the job.

use identity::Claims;
use ids::JobId;
use tokio::task::JoinHandle;

use super::{AUDITED, BLOCKED, DAYS_PASS, DONE, GONE, JOBS};
use crate::{
    mailbox,
    spawn::{Auth, Somebody, claims_of, code, refused},
    user_admin::administrator,
};

const ADA: &str = "ada@example.com";

#[actix_web::test]
async fn when_its_time_is_over_an_account_goes_with_all_that_hangs_on_it() {
    let auth = mailbox::spawn().await;
    let ada = auth.verified(ADA).await;
    let host = auth.verified("host@example.com").await;
    let (own, theirs) = (auth.org(&ada).await, auth.org(&host).await);
    let letter = auth.invited(&host, theirs, ADA, "member").await;
    auth.client.accept_invitation(&ada.inward, &letter).await.unwrap();
    auth.api_key(&ada, &["auth:read"]).await;
    auth.leave(&ada.inward).await;
    auth.back(ADA).await;
    auth.days_pass().await;
    auth.until(GONE, 1).await;
    for table in ["users", "memberships", "sessions", "api_keys", "user_roles", "one_time_tokens", "mails"] {
        assert_eq!(auth.left(table, ada.id()).await, 0, "{table}");
    }
    let gone = format!("SELECT count(*) FROM organizations WHERE id = '{}'", own.uuid());
    assert_eq!((auth.count(&gone).await, auth.roles_in(theirs).await.len()), (0, 1));
    let by_ada =
        format!("{AUDITED} AND actor = '{0}' AND target = '{0}' AND request_id IS NOT NULL", ada.id());
    assert_eq!(auth.count(&by_ada).await, 1, "she wanted it, and in which request");
    let versions = format!("SELECT count(*) - max(version) FROM events WHERE aggregate = '{}'", ada.id());
    assert_eq!(auth.count(&versions).await, 0, "one for each event");
    assert!(auth.client.me(&host.inward).await.is_ok(), "others notice nothing");
}

#[actix_web::test]
async fn nothing_goes_before_its_time() {
    let auth = mailbox::spawn().await;
    let ada = auth.leaving(ADA).await;
    // By the database's clock it is time, by the account's it is not.
    auth.sql("UPDATE jobs SET run_at = now() WHERE kind = 'auth.delete_account'").await;
    let tried =
        "SELECT count(*) FROM jobs WHERE kind = 'auth.delete_account' AND attempt = 1 AND state = 'scheduled'
                 AND run_at > now() + interval '13 days' AND last_error LIKE '%not over yet%'";
    auth.until(tried, 1).await;
    assert!(auth.client.me(&ada.inward).await.is_ok());
    auth.days_pass().await;
    auth.until(GONE, 1).await;
}

#[actix_web::test]
async fn only_the_newest_wish_is_carried_out() {
    let auth = mailbox::spawn().await;
    let first = auth.leaving(ADA).await;
    auth.client.restore_me(&first.inward).await.unwrap();
    auth.days_pass().await;
    auth.until(DONE, 1).await;
    assert_eq!((auth.left("users", first.id()).await, auth.count(GONE).await), (1, 0), "restored");
    auth.leave(&auth.back(ADA).await.inward).await;
    // The job of the first wish comes once more, and late.
    auth.sql(&again("now()", "jobs_history")).await;
    auth.until(DONE, 2).await;
    assert_eq!((auth.left("users", first.id()).await, auth.count(GONE).await), (1, 0), "not its time");
    auth.days_pass().await;
    auth.until(GONE, 1).await;
    assert_eq!((auth.left("users", first.id()).await, auth.count(AUDITED).await), (0, 1));
}

/// Puts another job like those of this table into the queue.
fn again(run_at: &str, of: &str) -> String {
    format!(
        "INSERT INTO jobs (id, kind, payload, priority, state, run_at, max_attempts)
         SELECT gen_random_uuid(), kind, payload, priority, 'scheduled', {run_at}, max_attempts
         FROM {of} WHERE kind = 'auth.delete_account'"
    )
}

#[actix_web::test]
async fn a_job_that_runs_many_times_deletes_once_and_tells_once() {
    let auth = mailbox::spawn().await;
    let ada = auth.leaving(ADA).await;
    for _ in 0..4 {
        auth.sql(&again("run_at", "jobs")).await;
    }
    assert_eq!(auth.count(JOBS).await, 16);
    auth.days_pass().await;
    auth.until(DONE, 16).await;
    assert_eq!((auth.count(GONE).await, auth.count(AUDITED).await), (1, 1));
    assert_eq!(auth.left("users", ada.id()).await, 0);
}

#[actix_web::test]
async fn who_is_banned_meanwhile_is_deleted_in_time() {
    let auth = mailbox::spawn().await;
    let ada = auth.leaving(ADA).await;
    auth.client.ban(&auth.admin().await, ada.id(), "spam").await.unwrap();
    assert_eq!(refused(auth.login(ADA).await), code(401, "account_suspended"));
    auth.days_pass().await;
    auth.until(GONE, 1).await;
    assert_eq!(auth.left("users", ada.id()).await, 0);
}

#[actix_web::test]
async fn an_administrator_deletes_at_once_whoever_waits() {
    let auth = mailbox::spawn().await;
    let ada = auth.leaving(ADA).await;
    auth.client.delete_user(&auth.admin().await, ada.id()).await.unwrap();
    assert_eq!((auth.left("users", ada.id()).await, auth.count(GONE).await), (0, 1));
    assert_eq!(refused(auth.client.restore_me(&ada.inward).await), code(401, "token_revoked"));
    auth.days_pass().await;
    auth.until(DONE, 1).await;
    assert_eq!((auth.count(GONE).await, auth.count(AUDITED).await), (1, 0), "the job finds nobody");
}

/// It cannot come to that by any route; somebody may have helped.
#[actix_web::test]
async fn who_must_not_go_after_all_is_kept_and_it_shows() {
    let auth = mailbox::spawn().await;
    let (ada, eve) = (auth.verified(ADA).await, auth.verified("eve@example.com").await);
    let org = auth.org(&ada).await;
    auth.leave(&ada.inward).await;
    let joins = format!(
        "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ('{}', '{}', 'member', now())",
        org.uuid(),
        eve.id().uuid()
    );
    auth.sql(&joins).await;
    let dead = dies(&auth, "other members").await;
    assert_eq!(auth.left("users", ada.id()).await, 1);
    assert!(auth.client.me(&auth.back(ADA).await.inward).await.unwrap().delete_at.is_some(), "as it was");
    auth.sql(&format!("DELETE FROM memberships WHERE role = 'member' AND user_id = '{}'", eve.id().uuid()))
        .await;
    retry(&auth, dead).await;
    auth.until(GONE, 1).await;
}

#[actix_web::test]
async fn the_last_administrator_is_kept_and_it_shows() {
    let auth = mailbox::spawn().await;
    let ada = auth.leaving(ADA).await;
    let id = ada.id().uuid();
    auth.sql(&format!("INSERT INTO user_roles (user_id, role) VALUES ('{id}', 'ADMIN')")).await;
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    let dead = dies(&auth, "nobody else administers").await;
    assert_eq!(auth.left("users", ada.id()).await, 1);
    administrator(&auth, "root@example.com").await;
    retry(&auth, dead).await;
    auth.until(GONE, 1).await;
}

/// Lets the job come to its end, which is that of a dead letter that says why.
async fn dies(auth: &Auth, why: &str) -> JobId {
    auth.sql("UPDATE jobs SET max_attempts = 2 WHERE kind = 'auth.delete_account'").await;
    auth.days_pass().await;
    let dead = format!(
        "FROM jobs_history WHERE kind = 'auth.delete_account' AND outcome = 'discarded' AND last_error LIKE '%{why}%'"
    );
    auth.until(&format!("SELECT count(*) {dead}"), 1).await;
    let row = auth.db.connect().await.query_one(&format!("SELECT id {dead}"), &[]).await.unwrap();
    JobId::from_uuid(row.get(0))
}

/// Tries it again, as an administrator does who has mended the cause.
async fn retry(auth: &Auth, job: JobId) {
    let admin = auth.somebody(&format!("{job}@example.com")).await;
    let scope = "jobs:admin".parse().unwrap();
    let token = auth.issuer.sign(&Claims { scope, ..claims_of(&admin.inward) });
    let retry = testing::http().post(format!("{}/api/v1/admin/auth/jobs/{job}/retry", auth.base));
    assert_eq!(retry.bearer_auth(token).send().await.unwrap().status(), 200);
}

/// Restores in the background: whether that was in time.
fn restores(auth: &Auth, who: &Somebody) -> JoinHandle<bool> {
    let (client, token) = (auth.client.clone(), who.inward.clone());
    actix_web::rt::spawn(async move { client.restore_me(&token).await.is_ok() })
}

#[actix_web::test]
async fn at_the_very_moment_an_account_is_kept_whole_or_goes_whole() {
    let auth = mailbox::spawn().await;
    for turn in 0..6 {
        let (job_first, email) = (turn % 2 == 0, format!("ada{turn}@example.com"));
        let ada = auth.verified(&email).await;
        auth.org(&ada).await;
        auth.api_key(&ada, &["auth:read"]).await;
        auth.leave(&ada.inward).await;
        let ada = auth.back(&email).await;
        let (gone, done) = (auth.count(GONE).await, auth.count(DONE).await);
        auth.sql(&DAYS_PASS.replace("run_at = run_at - interval '15 days',", "")).await;
        // Both are held up at the account's row, in this order.
        let held = auth.db.connect().await;
        let hold = format!("BEGIN; SELECT FROM users WHERE id = '{}' FOR KEY SHARE", ada.id().uuid());
        held.batch_execute(&hold).await.unwrap();
        let restored = if job_first {
            comes_due(&auth).await;
            auth.until(BLOCKED, 1).await;
            restores(&auth, &ada)
        } else {
            let restored = restores(&auth, &ada);
            auth.until(BLOCKED, 1).await;
            comes_due(&auth).await;
            restored
        };
        auth.until(BLOCKED, 2).await;
        held.batch_execute("COMMIT").await.unwrap();
        let restored = restored.await.unwrap();
        auth.until(DONE, done + 1).await;
        assert_eq!(restored, !job_first, "{turn}: who came first was first");
        let (whole, told) = if restored { ([1, 1, 2], gone) } else { ([0, 0, 0], gone + 1) };
        let left = [("users", whole[0]), ("api_keys", whole[1]), ("memberships", whole[2])];
        for (table, wanted) in left {
            assert_eq!(auth.left(table, ada.id()).await, wanted, "{turn}: {table}");
        }
        assert_eq!(auth.count(GONE).await, told, "{turn}");
    }
}

async fn comes_due(auth: &Auth) {
    auth.sql("UPDATE jobs SET run_at = now() WHERE kind = 'auth.delete_account'").await;
}
