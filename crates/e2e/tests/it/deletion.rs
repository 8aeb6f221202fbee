//! An account that goes by its user's wish, through the gateway: what the time of grace is
//! felt like at every service, and what is left when it is over.

use std::time::{Duration, Instant};

use contract_auth::{MailKind, Secret};
use e2e::{Plinth, Somebody, Tables, code, refused};
use ids::UserId;

const PREFS: &str = "/api/v1/prefs/appearance";
const AUTH: &str = "/api/v1/auth/me";
/// How long a change may take to be felt, beyond the second that it is promised within: this
/// machine may be busy.
const PATIENCE: Duration = Duration::from_secs(10);

const GONE: &str = "SELECT count(*) FROM events WHERE type = 'user.deleted'";
const AUDITED: &str = "SELECT count(*) FROM audit_log WHERE action = 'account.deleted'";
const USERS: &str = "SELECT count(*) FROM users WHERE delete_at IS NOT NULL";
const DOCUMENTS: &str = "SELECT count(*) FROM documents";

async fn status(plinth: &Plinth, path: &str, credential: &Secret) -> u16 {
    let request = testing::http().get(format!("{}{path}", plinth.url())).bearer_auth(credential.expose());
    request.send().await.unwrap().status().as_u16()
}

/// Waits until the credential is answered so at both services.
async fn felt(plinth: &Plinth, credential: &Secret, wanted: [u16; 2]) {
    let began = Instant::now();
    for (path, wanted) in [PREFS, AUTH].into_iter().zip(wanted) {
        while status(plinth, path, credential).await != wanted {
            assert!(began.elapsed() < PATIENCE, "{path} is never {wanted}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn choose_a_theme(who: &Somebody) {
    let (token, appearance) = (who.token().expose(), "appearance".parse().unwrap());
    let read = who.prefs.document(token, &appearance).await.unwrap();
    let patch = serde_json::from_value(serde_json::json!({ "theme": "dark" })).unwrap();
    who.prefs.patch_document(token, &appearance, &read.etag, &patch).await.unwrap();
}

/// As if the time of grace of `user` were over, in auth's tables.
async fn days_pass(auth: &Tables, user: UserId) {
    let pass = format!(
        "WITH accounts AS (UPDATE users SET delete_at = delete_at - interval '15 days' WHERE id = '{}')
         UPDATE jobs SET run_at = run_at - interval '15 days', payload = jsonb_set(payload, '{{at}}', to_jsonb(to_char(
             ((payload->>'at')::timestamptz - interval '15 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')))
         WHERE kind = 'auth.delete_account' AND payload->>'user' = '{user}'",
        user.uuid()
    );
    auth.connect().await.unwrap().batch_execute(&pass).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_waits_comes_back_and_goes_and_every_service_knows() {
    let plinth = Plinth::start().await;
    let (auth, prefs) = (Tables::of(&plinth, "auth"), Tables::of(&plinth, "prefs"));
    let ada = Somebody::arrive(&plinth).await;
    let (phone, key) = (ada.log_in_again().await.unwrap(), ada.api_key(&["prefs:read", "auth:read"]).await);
    choose_a_theme(&ada).await;
    let all = [ada.token(), &phone.access_token, &key];
    for credential in all {
        felt(&plinth, credential, [200, 200]).await;
    }
    let (id, scheduled) = (ada.id().await, ada.auth.delete_me(ada.token()).await.unwrap().unwrap());
    for credential in all {
        felt(&plinth, credential, [401, 401]).await;
    }
    let mail = plinth.mail(&ada.email, MailKind::DeletionScheduled).await;
    assert_eq!(mail.variables["at"], scheduled.delete_at.to_string());
    let narrow = ada.log_in_again().await.unwrap();
    felt(&plinth, &narrow.access_token, [403, 200]).await;
    let all = ada.prefs.preferences(narrow.access_token.expose(), false).await;
    assert_eq!(refused(all), code(403, "insufficient_scope"));
    ada.auth.restore_me(&narrow.access_token).await.unwrap();
    felt(&plinth, &narrow.access_token, [401, 401]).await;
    let back = ada.auth.refresh(&narrow.refresh_token).await.unwrap();
    // A key that was refused a moment ago is asked about again a few seconds later.
    for credential in [&back.access_token, &key] {
        felt(&plinth, credential, [200, 200]).await;
    }
    assert_eq!(prefs.number(DOCUMENTS).await.unwrap(), 1, "what was chosen is there still");
    ada.auth.delete_me(&back.access_token).await.unwrap();
    let narrow = ada.log_in_again().await.unwrap();
    days_pass(&auth, id).await;
    auth.until(GONE, 1, Duration::from_secs(30)).await;
    prefs.until(DOCUMENTS, 0, Duration::from_secs(30)).await;
    for credential in [&back.access_token, &narrow.access_token, &key] {
        felt(&plinth, credential, [401, 401]).await;
    }
    assert_eq!(refused(ada.log_in_again().await), code(401, "wrong_credentials"));
    auth.hold(&[(USERS, 0), (AUDITED, 1), (GONE, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_in_the_middle_of_a_deletion_deletes_once() {
    let plinth = Plinth::start().await;
    let (auth, prefs) = (Tables::of(&plinth, "auth"), Tables::of(&plinth, "prefs"));
    let ada = Somebody::arrive(&plinth).await;
    choose_a_theme(&ada).await;
    let id = ada.id().await;
    ada.auth.delete_me(ada.token()).await.unwrap();
    // The job stands in the middle of its transaction, at the user's row.
    let holder = auth.connect().await.unwrap();
    let hold = format!("BEGIN; SELECT FROM users WHERE id = '{}' FOR KEY SHARE", id.uuid());
    holder.batch_execute(&hold).await.unwrap();
    days_pass(&auth, id).await;
    let in_the_middle = "SELECT count(*) FROM jobs WHERE kind = 'auth.delete_account' AND state = 'running'";
    auth.until(in_the_middle, 1, Duration::from_secs(60)).await;
    plinth.kill("auth");
    holder.batch_execute("ROLLBACK").await.unwrap();
    plinth.recovered().await;
    auth.until(GONE, 1, Duration::from_secs(90)).await;
    prefs.until(DOCUMENTS, 0, Duration::from_secs(30)).await;
    auth.hold(&[(USERS, 0), (AUDITED, 1), (GONE, 1)]).await;
}
