//! An export is whole or not there, whatever fails while it is gathered.

use std::{sync::atomic::Ordering, time::Duration};

use contract_auth::{AccountChange, ExportState, MailKind, routes};

use super::{
    hurry, over,
    prefs::{self, Prefs},
    reached, ready,
};
use crate::spawn::{Auth, Somebody, code, refused};

/// Waits until another attempt has failed; gives what is noted about it.
async fn failed_again(auth: &Auth, attempts: i64) -> (i64, String) {
    let sql = "SELECT attempt::bigint, last_error FROM jobs
               WHERE kind = 'auth.gather_export' AND state = 'scheduled'";
    for _ in 0..600 {
        let row = auth.db.connect().await.query_opt(sql, &[]).await.unwrap();
        if let Some(row) = row.filter(|row| row.get::<_, i64>(0) > attempts) {
            return (row.get(0), row.get(1));
        }
        hurry(auth).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no attempt fails");
}

async fn nothing_is_shown(auth: &Auth, who: &Somebody, id: ids::ExportId) {
    assert_eq!(auth.client.export(&who.inward, id).await.unwrap().state, ExportState::Waiting);
    let url = format!("{}{}", auth.base, routes::EXPORT_DOWNLOAD.replace("{id}", &id.to_string()));
    let reply = testing::http().get(url).bearer_auth(who.inward.expose()).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), &reply.headers()["retry-after"]), (409, &"5".parse().unwrap()));
    assert_eq!(reply.json::<problem::Problem>().await.unwrap().code, "export_not_ready");
    assert_eq!(refused(auth.client.latest_export(&who.inward).await), code(404, "export_not_found"));
}

#[actix_web::test]
async fn a_service_that_is_away_slow_broken_or_wrong_is_asked_again_and_nothing_partial_is_shown() {
    let (auth, prefs, handle) = prefs::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    prefs.fail("503");
    let asked = auth.client.request_export(&ada.inward).await.unwrap();
    let mut attempts = 0;
    for fault in
        ["503", "403", "hangs", "hangs in the middle", "breaks off", "half", "a text", "a list", "a page"]
    {
        prefs.fail(fault);
        let (next, why) = failed_again(&auth, attempts).await;
        attempts = next;
        assert!(why.contains("prefs") && !why.contains("example.com"), "{fault}: {why}");
        nothing_is_shown(&auth, &ada, asked.id).await;
    }
    prefs.recover();
    reached(&auth, &ada, asked.id, ExportState::Ready).await;
    let document = auth.client.download_export(&ada.inward, asked.id).await.unwrap();
    assert_eq!(serde_json::json!(document.services["prefs"]), prefs::sections(ada.id()));
    let noted = "SELECT count(*) FROM jobs_history WHERE jobs_history::text LIKE '%example.com%'";
    assert_eq!(auth.count(noted).await, 0, "what a service said is not noted anywhere");
    handle.stop(false).await;
}

#[actix_web::test]
async fn what_is_too_large_fails_at_once_and_is_not_read_to_its_end() {
    let (auth, prefs, handle) = prefs::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    prefs.fail("200 MiB");
    let asked = auth.client.request_export(&ada.inward).await.unwrap();
    reached(&auth, &ada, asked.id, ExportState::Failed).await;
    assert_eq!(prefs.asked.load(Ordering::SeqCst), 1);
    let sent = prefs.mebibytes_sent.load(Ordering::SeqCst);
    assert!((64..200).contains(&sent), "{sent}");
    let outcome = auth.client.download_export(&ada.inward, asked.id).await;
    assert_eq!(refused(outcome), code(409, "export_failed"));
    prefs.recover();
    let export = ready(&auth, &ada).await;
    assert_ne!(export.id, asked.id);
    let latest = auth.client.latest_export(&ada.inward).await.unwrap();
    assert_eq!(latest.created_at.to_string(), export.created_at.to_string());
    handle.stop(false).await;
}

/// How auth's own part calls them tells when it was told.
async fn called(auth: &Auth, who: &Somebody, name: &str) {
    let change = AccountChange { name: Some(Some(name.to_owned())), ..AccountChange::default() };
    auth.client.change_me(&who.inward, &change).await.unwrap();
}

#[actix_web::test]
async fn an_attempt_goes_on_with_the_service_at_which_the_last_one_ended() {
    let (auth, prefs, handle) = prefs::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    called(&auth, &ada, "Ada before").await;
    prefs.fail("503");
    let asked = auth.client.request_export(&ada.inward).await.unwrap();
    failed_again(&auth, 0).await;
    called(&auth, &ada, "Ada after").await;
    prefs.recover();
    reached(&auth, &ada, asked.id, ExportState::Ready).await;
    let document = auth.client.download_export(&ada.inward, asked.id).await.unwrap();
    assert_eq!(document.services["auth"]["account"]["name"], "Ada before", "auth was asked once");
    handle.stop(false).await;
}

/// As a worker that stood still while another one took its job over.
#[actix_web::test]
async fn a_job_that_runs_twice_at_once_has_one_result() {
    let (auth, prefs, handle) = prefs::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    prefs.fail("hangs");
    let asked = auth.client.request_export(&ada.inward).await.unwrap();
    let twice = "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts)
                 SELECT gen_random_uuid(), kind, payload, 0, 'ready', 20 FROM jobs
                 WHERE kind = 'auth.gather_export'";
    assert_eq!(auth.sql(twice).await, 1);
    wait_until_asked(&prefs, 2).await;
    prefs.recover();
    over(&auth).await;
    reached(&auth, &ada, asked.id, ExportState::Ready).await;
    assert_eq!(
        auth.kinds("ada@example.com").await.iter().filter(|kind| **kind == MailKind::ExportReady).count(),
        1
    );
    assert_eq!(auth.count("SELECT count(*) FROM events WHERE type = 'user.export_ready'").await, 1);
    assert_eq!(auth.count("SELECT count(*) FROM export_parts").await, 2);
    let document = auth.client.download_export(&ada.inward, asked.id).await.unwrap();
    assert_eq!(serde_json::json!(document.services["prefs"]), prefs::sections(ada.id()));
    handle.stop(false).await;
}

async fn wait_until_asked(prefs: &Prefs, times: usize) {
    for _ in 0..600 {
        if prefs.asked.load(Ordering::SeqCst) >= times {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is not asked");
}
