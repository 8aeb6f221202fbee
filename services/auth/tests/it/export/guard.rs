//! Who gets at an export, and who does not.

use contract_auth::{Impersonate, NewApiKey, Secret, routes};
use identity::Claims;
use ids::ExportId;

use super::{prefs, ready, spawn};
use crate::{
    api_key_secret::exchange,
    second_factor::guarded,
    spawn::{Auth, claims_of, code, refused},
    user_admin::administrator,
};

/// What asks for the document or makes one, by the code of its refusal.
async fn attempts(auth: &Auth, token: &Secret, id: ExportId) -> [(u16, String); 3] {
    [
        refused(auth.client.request_export(token).await),
        refused(auth.client.download_export(token, id).await),
        refused(auth.client.latest_export(token).await),
    ]
}

#[actix_web::test]
async fn nobody_else_sees_it_downloads_it_or_deletes_it() {
    let auth = spawn().await;
    let ada = auth.verified("ada@example.com").await;
    let org = auth.org(&ada).await;
    let export = ready(&auth, &ada).await;
    let (eve, colleague) = (auth.somebody("eve@example.com").await, auth.member(&ada, org, "admin").await);
    let switched = auth.client.switch_org(&colleague.inward, org).await.unwrap().access_token.unwrap();
    let root = administrator(&auth, "root@example.com").await;
    for token in [&eve.inward, &auth.inward(&switched), &root.inward] {
        let gone = code(404, "export_not_found");
        assert_eq!(refused(auth.client.export(token, export.id).await), gone);
        assert_eq!(refused(auth.client.download_export(token, export.id).await), gone);
        assert_eq!(refused(auth.client.delete_export(token, export.id).await), gone);
        assert_eq!(refused(auth.client.latest_export(token).await), gone);
        assert!(auth.client.exports(token, "").await.unwrap().data.is_empty());
    }
    for id in ["exp_1", "ses_01h455vb4pex5vsknk084sn02q"] {
        let url = format!("{}{}", auth.base, routes::EXPORT_DOWNLOAD.replace("{id}", id));
        let reply = testing::http().get(url).bearer_auth(ada.inward.expose()).send().await.unwrap();
        assert_eq!(reply.status(), 404, "{id}");
    }
    auth.client.download_export(&ada.inward, export.id).await.unwrap();
}

#[actix_web::test]
async fn it_takes_a_proof_of_the_last_fifteen_minutes_to_ask_and_to_download() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let export = ready(&auth, &ada).await;
    auth.sql("UPDATE sessions SET authenticated_at = authenticated_at - interval '16 minutes'").await;
    let stale = code(403, "fresh_login_required");
    assert_eq!(attempts(&auth, &ada.inward, export.id).await, [stale.clone(), stale.clone(), stale]);
    assert_eq!(
        auth.client.export(&ada.inward, export.id).await.unwrap(),
        export,
        "how it stands is no secret"
    );
    let fresh = auth.back("ada@example.com").await;
    auth.client.download_export(&fresh.inward, export.id).await.unwrap();
    let bob = guarded(&auth, "bob@example.com").await;
    let of_bob = ready(&auth, &bob.who).await;
    auth.sql("UPDATE sessions SET methods = '{pwd}'").await;
    let by_password = refused(auth.client.download_export(&bob.who.inward, of_bob.id).await);
    assert_eq!(by_password, code(403, "fresh_login_required"), "where a second factor is on, by that");
}

#[actix_web::test]
async fn neither_an_api_key_nor_who_impersonates_asks_or_downloads() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let export = ready(&auth, &ada).await;
    let scopes = vec!["auth:read".to_owned(), "auth:write".to_owned()];
    let new = NewApiKey { name: "all of auth".to_owned(), scopes, expires_at: None, rate_limit: None };
    let key = auth.client.create_api_key(&ada.inward, &new).await.unwrap().key;
    let key = auth.inward(&exchange(&auth, &key).await.unwrap().access_token);
    let session = code(403, "session_required");
    assert_eq!(attempts(&auth, &key, export.id).await, [session.clone(), session.clone(), session.clone()]);
    assert_eq!(refused(auth.client.delete_export(&key, export.id).await), session);
    assert_eq!(auth.client.exports(&key, "").await.unwrap().data.len(), 1);
    let wish = Impersonate { reason: "a ticket".to_owned(), minutes: None, org_id: None };
    let acting = auth.client.impersonate(&auth.admin().await, ada.id(), &wish).await.unwrap();
    let inward = auth.inward(&acting.access_token);
    let [asks, downloads, latest] = attempts(&auth, &inward, export.id).await;
    assert_eq!(
        [asks, downloads, latest],
        [code(403, "insufficient_scope"), session.clone(), session.clone()]
    );
    let scope = claims_of(&ada.inward).scope;
    let all: Secret = auth.issuer.sign(&Claims { scope, ..claims_of(&inward) }).into();
    assert_eq!(attempts(&auth, &all, export.id).await, [session.clone(), session.clone(), session]);
}

#[actix_web::test]
async fn who_is_banned_or_signed_out_downloads_nothing() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let (of_ada, of_eve) = (ready(&auth, &ada).await, ready(&auth, &eve).await);
    auth.client.ban(&auth.admin().await, ada.id(), "spam").await.unwrap();
    auth.client.logout(&eve.inward).await.unwrap();
    for (who, export) in [(&ada, &of_ada), (&eve, &of_eve)] {
        assert_eq!(refused(auth.client.download_export(&who.inward, export.id).await).0, 401);
    }
    // Before the revocation is heard, say: the session itself says so.
    auth.sql("DELETE FROM revocations").await;
    let (client, _) = auth.another_process().await;
    let overheard = refused(client.download_export(&eve.inward, of_eve.id).await);
    assert_eq!(overheard.0, 401);
}

#[actix_web::test]
async fn what_is_kept_is_sealed_and_opens_nowhere_else() {
    let (auth, _prefs, handle) = prefs::spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let (of_ada, of_eve) = (ready(&auth, &ada).await, ready(&auth, &eve).await);
    let rows = auth.db.connect().await.query("SELECT sealed FROM export_parts", &[]).await.unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let sealed = String::from_utf8_lossy(row.get::<_, &[u8]>(0)).into_owned();
        for plain in ["example.com", "theme", "usr_", "account"] {
            assert!(!sealed.contains(plain), "{plain}");
        }
    }
    let moved = format!(
        "UPDATE export_parts e SET sealed = a.sealed, bytes = a.bytes FROM export_parts a
         WHERE a.export_id = '{}' AND e.export_id = '{}' AND a.service = e.service AND a.n = e.n",
        of_ada.id.uuid(),
        of_eve.id.uuid()
    );
    assert_eq!(auth.sql(&moved).await, 2);
    let url = format!("{}{}", auth.base, routes::EXPORT_DOWNLOAD.replace("{id}", &of_eve.id.to_string()));
    let reply = testing::http().get(url).bearer_auth(eve.inward.expose()).send().await.unwrap();
    assert!(reply.bytes().await.is_err(), "the download is cut, and its reader notices");
    handle.stop(false).await;
}

#[actix_web::test]
async fn who_is_deleted_or_banned_while_it_is_gathered_gets_none() {
    let (auth, prefs, handle) = prefs::spawn().await;
    prefs.fail("503");
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    auth.client.request_export(&ada.inward).await.unwrap();
    auth.client.request_export(&eve.inward).await.unwrap();
    for turn in 0.. {
        if auth.count("SELECT count(DISTINCT export_id) FROM export_parts").await == 2 {
            break;
        }
        assert!(turn < 600, "auth never told its own part");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let admin = auth.admin().await;
    auth.client.delete_user(&admin, ada.id()).await.unwrap();
    auth.client.ban(&admin, eve.id(), "spam").await.unwrap();
    prefs.recover();
    super::over(&auth).await;
    assert_eq!(auth.count("SELECT count(*) FROM export_parts").await, 0);
    assert_eq!(auth.count("SELECT count(*) FROM exports WHERE withdrawn_at IS NULL").await, 0);
    assert_eq!(auth.count("SELECT count(*) FROM events WHERE type = 'user.export_ready'").await, 0);
    assert_eq!(auth.count("SELECT count(*) FROM mails WHERE kind = 'export_ready'").await, 0);
    let ended =
        "SELECT count(*) FROM jobs_history WHERE kind = 'auth.gather_export' AND outcome = 'succeeded'";
    assert_eq!(auth.count(ended).await, 2, "nobody has to look after them");
    auth.client.unban(&admin, eve.id()).await.unwrap();
    let back = auth.back("eve@example.com").await;
    assert!(auth.client.exports(&back.inward, "").await.unwrap().data.is_empty());
    ready(&auth, &back).await;
    handle.stop(false).await;
}
