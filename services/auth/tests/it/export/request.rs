//! What somebody asks for and gets.

use contract_auth::{Export, ExportDocument, ExportState, MailKind, routes};
use contract_jobs::JobState;
use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::json;
use service_discovery::{Peer, PeerOptions, Service};

use super::{over, prefs, reached, ready, spawn};
use crate::spawn::{Auth, Somebody, code, refused};

async fn call(auth: &Auth, who: &Somebody, method: Method, path: &str, key: Option<&str>) -> Response {
    let request = testing::http().request(method, format!("{}{path}", auth.base));
    let request = request.bearer_auth(who.inward.expose());
    let request = if let Some(key) = key { request.header("idempotency-key", key) } else { request };
    request.send().await.unwrap()
}

fn jobs(auth: &Auth) -> contract_jobs::Client {
    let peer = Peer::new(&[auth.base.parse().unwrap()], &PeerOptions::default()).unwrap();
    contract_jobs::Client::new(peer, Service::Auth)
}

#[actix_web::test]
async fn what_all_services_hold_is_gathered_told_by_mail_and_downloaded() {
    let (auth, _prefs, handle) = prefs::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let asked = call(&auth, &ada, Method::POST, routes::EXPORTS, None).await;
    assert_eq!(asked.status(), 202);
    let location = asked.headers()["location"].to_str().unwrap().to_owned();
    let asked: Export = asked.json().await.unwrap();
    assert_eq!(location, format!("/api/v1/auth/jobs/{}", asked.job_id));
    assert_eq!((asked.ready_at, asked.expires_at, asked.size), (None, None, None));
    let export = reached(&auth, &ada, asked.id, ExportState::Ready).await;
    assert_eq!(export.expires_at.unwrap().since(export.ready_at.unwrap()).as_secs(), 7 * 24 * 60 * 60);
    let job = jobs(&auth).job(ada.inward.expose(), asked.job_id).await.unwrap();
    assert_eq!(job.state, JobState::Succeeded);

    let file = call(
        &auth,
        &ada,
        Method::GET,
        &routes::EXPORT_DOWNLOAD.replace("{id}", &export.id.to_string()),
        None,
    )
    .await;
    assert_eq!(file.status(), 200);
    let header = |name: &str| file.headers()[name].to_str().unwrap().to_owned();
    let day = &export.created_at.to_string()[..10];
    assert_eq!(header("content-disposition"), format!("attachment; filename=\"plinth-export-{day}.json\""));
    assert_eq!(
        (header("content-type"), header("cache-control")),
        ("application/json".into(), "no-store".into())
    );
    assert_eq!(header("content-length"), export.size.unwrap().to_string());
    let document: ExportDocument = serde_json::from_slice(&file.bytes().await.unwrap()).unwrap();
    assert_eq!(
        (document.user_id, document.created_at.to_string()),
        (ada.id(), export.created_at.to_string())
    );
    assert_eq!(document.services.keys().collect::<Vec<_>>(), ["auth", "prefs"]);
    assert_eq!(json!(document.services["prefs"]), prefs::sections(ada.id()));
    assert_eq!(document.services["auth"]["account"]["email"], "ada@example.com");
    assert_eq!(auth.client.latest_export(&ada.inward).await.unwrap(), document);

    let mail = auth.mail("ada@example.com", MailKind::ExportReady).await;
    assert_eq!((mail.link, mail.token), (None, None), "whoever wants it logs in");
    assert_eq!(mail.variables["export_id"], export.id.to_string());
    let told = format!(
        "SELECT count(*) FROM events WHERE type = 'user.export_ready' AND aggregate = '{}'
         AND data->>'export_id' = '{}'",
        ada.id(),
        export.id
    );
    assert_eq!(auth.count(&told).await, 1);
    for (action, times) in [("export.requested", 1), ("export.downloaded", 2)] {
        let audited =
            format!("SELECT count(*) FROM audit_log WHERE action = '{action}' AND target = '{}'", export.id);
        assert_eq!(auth.count(&audited).await, times, "{action}");
    }
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_large_document_is_the_same_byte_for_byte() {
    let (auth, prefs, handle) = prefs::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    prefs.fail("3 MiB");
    let export = ready(&auth, &ada).await;
    assert!(auth.count("SELECT count(*) FROM export_parts WHERE service = 'prefs'").await > 3);
    let document = auth.client.download_export(&ada.inward, export.id).await.unwrap();
    let note = document.services["prefs"]["note"].as_str().unwrap();
    assert!(note.len() == 3 * 1024 * 1024 && note.chars().all(|letter| letter == 'ä'));
    handle.stop(false).await;
}

#[actix_web::test]
async fn of_fifty_that_ask_at_once_one_export_is_made() {
    let (auth, prefs, handle) = prefs::spawn().await;
    prefs.fail("503");
    let ada = auth.somebody("ada@example.com").await;
    let asked = join_all((0..50).map(|_| auth.client.request_export(&ada.inward))).await;
    let mut ids: Vec<_> = asked.into_iter().map(|one| one.unwrap().id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    for (sql, what) in [
        ("SELECT count(*) FROM exports", "exports"),
        ("SELECT count(*) FROM jobs WHERE kind = 'auth.gather_export'", "jobs"),
        ("SELECT count(*) FROM audit_log WHERE action = 'export.requested'", "entries"),
    ] {
        assert_eq!(auth.count(sql).await, 1, "{what}");
    }
    prefs.recover();
    reached(&auth, &ada, ids[0], ExportState::Ready).await;
    assert_ne!(auth.client.request_export(&ada.inward).await.unwrap().id, ids[0], "that one is done");
    over(&auth).await;
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_request_that_is_sent_twice_is_one_also_when_the_first_is_done() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let first = call(&auth, &ada, Method::POST, routes::EXPORTS, Some("k1")).await;
    let location = first.headers()["location"].clone();
    let export: Export = first.json().await.unwrap();
    reached(&auth, &ada, export.id, ExportState::Ready).await;
    let again = call(&auth, &ada, Method::POST, routes::EXPORTS, Some("k1")).await;
    assert_eq!((again.status().as_u16(), &again.headers()["location"]), (202, &location));
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Export>().await.unwrap(), export);
    assert_eq!(auth.count("SELECT count(*) FROM exports").await, 1);
}

#[actix_web::test]
async fn five_a_day_are_the_most_the_deleted_ones_among_them() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    for _ in 0..5 {
        let export = ready(&auth, &ada).await;
        auth.client.delete_export(&ada.inward, export.id).await.unwrap();
    }
    assert_eq!(auth.count("SELECT count(*) FROM export_parts").await, 0);
    let sixth = call(&auth, &ada, Method::POST, routes::EXPORTS, None).await;
    assert_eq!(sixth.status(), 429);
    let wait: u64 = sixth.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((86_000..=86_400).contains(&wait), "{wait}");
    assert_eq!(sixth.json::<problem::Problem>().await.unwrap().code, "too_many_exports");
    assert_eq!(auth.count("SELECT count(*) FROM jobs WHERE kind = 'auth.gather_export'").await, 0);
    ready(&auth, &eve).await;
    auth.sql("UPDATE exports SET created_at = created_at - interval '1 day'").await;
    ready(&auth, &ada).await;
}

#[actix_web::test]
async fn who_no_longer_wants_it_cancels_the_job_or_deletes_the_export_and_may_ask_again() {
    let (auth, prefs, handle) = prefs::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    for fault in ["503", "hangs"] {
        prefs.fail(fault);
        let asked = auth.client.request_export(&ada.inward).await.unwrap();
        jobs(&auth).cancel(ada.inward.expose(), asked.job_id).await.unwrap();
        reached(&auth, &ada, asked.id, ExportState::Cancelled).await;
        let outcome = auth.client.download_export(&ada.inward, asked.id).await;
        assert_eq!(refused(outcome), code(409, "export_failed"));
        let asked = auth.client.request_export(&ada.inward).await.unwrap();
        auth.client.delete_export(&ada.inward, asked.id).await.unwrap();
        assert_eq!(refused(auth.client.export(&ada.inward, asked.id).await), code(404, "export_not_found"));
        let outcome = auth.client.delete_export(&ada.inward, asked.id).await;
        assert_eq!(refused(outcome), code(404, "export_not_found"));
        over(&auth).await;
        assert_eq!(
            auth.count(&format!("SELECT count(*) FROM export_parts WHERE export_id = '{}'", asked.id.uuid()))
                .await,
            0
        );
    }
    prefs.recover();
    ready(&auth, &ada).await;
    prefs.fail("503");
    auth.client.request_export(&ada.inward).await.unwrap_err();
    auth.sql("UPDATE exports SET created_at = created_at - interval '1 day'").await;
    auth.client.request_export(&ada.inward).await.unwrap();
    let all = auth.client.exports(&ada.inward, "").await.unwrap().data;
    let states: Vec<_> = all.iter().map(|export| export.state).collect();
    let (waiting, cancelled) = (ExportState::Waiting, ExportState::Cancelled);
    assert_eq!(states, [waiting, ExportState::Ready, cancelled, cancelled], "each stands for itself");
    handle.stop(false).await;
}

#[actix_web::test]
async fn exports_are_listed_in_pages_the_latest_first() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let (first, second) = (ready(&auth, &ada).await, ready(&auth, &ada).await);
    let page = auth.client.exports(&ada.inward, "?limit=1").await.unwrap();
    assert_eq!(page.data.iter().map(|one| one.id).collect::<Vec<_>>(), [second.id]);
    let cursor = page.next_cursor.unwrap();
    let page = auth.client.exports(&ada.inward, &format!("?limit=1&cursor={cursor}")).await.unwrap();
    assert_eq!((page.data, page.next_cursor), (vec![first], None));
    let latest = auth.client.latest_export(&ada.inward).await.unwrap();
    assert_eq!(latest, auth.client.download_export(&ada.inward, second.id).await.unwrap());
    for bad in ["?limit=0", "?cursor=x", "?page=2"] {
        let outcome = auth.client.exports(&ada.inward, bad).await;
        assert_eq!(refused(outcome).0, 400, "{bad}");
    }
}

#[actix_web::test]
async fn after_its_time_it_is_gone() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let export = ready(&auth, &ada).await;
    auth.sql("UPDATE exports SET expires_at = now()").await;
    let gone = code(404, "export_not_found");
    assert_eq!(refused(auth.client.export(&ada.inward, export.id).await), gone);
    assert_eq!(refused(auth.client.download_export(&ada.inward, export.id).await), gone);
    assert_eq!(refused(auth.client.latest_export(&ada.inward).await), gone);
    assert_eq!(refused(auth.client.delete_export(&ada.inward, export.id).await), gone);
    assert!(auth.client.exports(&ada.inward, "").await.unwrap().data.is_empty());
    let kept = ready(&auth, &ada).await;
    auth.sql(
        "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts)
         VALUES (gen_random_uuid(), 'auth.prune', '{}', 2, 'ready', 1)",
    )
    .await;
    for turn in 0.. {
        if auth.count("SELECT count(*) FROM exports").await == 1 {
            break;
        }
        assert!(turn < 600, "it is never deleted");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let left = format!("SELECT count(*) FROM export_parts WHERE export_id <> '{}'", kept.id.uuid());
    assert_eq!(auth.count(&left).await, 0);
    auth.client.download_export(&ada.inward, kept.id).await.unwrap();
}
