//! How a deletion is asked for, and who is refused.

use contract_auth::MailKind;
use futures_util::future::join_all;
use identity::Claims;
use ids::Timestamp;
use service_discovery::Service;
use service_kit::settings::Reader;

use super::{GONE, JOBS};
use crate::{
    mailbox,
    spawn::{AT_ONCE, Auth, claims_of, code, refused, spawn, spawn_with},
    user_admin::administrator,
};

const SCHEDULED: &str = "SELECT count(*) FROM audit_log WHERE action = 'account.deletion_scheduled'";
const WAITING: &str = "SELECT count(*) FROM users WHERE delete_at IS NOT NULL";

#[actix_web::test]
async fn who_wants_to_go_is_told_until_when_they_may_stay() {
    let auth = mailbox::spawn().await;
    let (admin, ada) = (auth.admin().await, auth.somebody("ada@example.com").await);
    assert_eq!(auth.client.me(&ada.inward).await.unwrap().delete_at, None);
    let before = Timestamp::now();
    let at = auth.leave(&ada.inward).await.delete_at;
    let days = at.since(before).as_secs_f64() / 86_400.0;
    assert!((13.99..14.01).contains(&days), "{days} days");
    let back = auth.back(&ada.email).await;
    assert_eq!(auth.client.me(&back.inward).await.unwrap().delete_at, Some(at));
    assert_eq!(auth.client.user(&admin, ada.id()).await.unwrap().user.delete_at, Some(at));
    let mail = auth.mail(&ada.email, MailKind::DeletionScheduled).await;
    assert_eq!((mail.variables["at"].as_str(), mail.link), (Some(at.to_string().as_str()), None));
    let told =
        "SELECT count(*) FROM events WHERE type = 'user.updated' AND data->>'changed' = 'deletion_scheduled'";
    assert_eq!((auth.count(told).await, auth.count(GONE).await), (1, 0));
    let audited = format!("{SCHEDULED} AND actor = '{0}' AND target = '{0}'", ada.id());
    assert_eq!(auth.count(&audited).await, 1);
}

#[actix_web::test]
async fn asking_again_neither_postpones_nor_hastens_it() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let at = auth.leave(&ada.inward).await;
    auth.sql("UPDATE users SET created_at = created_at - interval '1 day'").await;
    let back = auth.back(&ada.email).await;
    let traces = auth.traces().await;
    assert_eq!(auth.leave(&back.inward).await, at);
    assert!(auth.client.me(&back.inward).await.is_ok(), "it ends no session");
    assert_eq!((auth.count(JOBS).await, auth.traces().await), (1, traces));
}

#[actix_web::test]
async fn of_fifty_wishes_at_once_one_is_taken_down() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let mut tokens = vec![ada.inward.clone()];
    for _ in 0..4 {
        tokens.push(auth.back(&ada.email).await.inward);
    }
    let outcomes = join_all((0..50).map(|turn| auth.client.delete_me(&tokens[turn % 5]))).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for lost in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(refused(lost).0, 401, "its session ended with the first");
    }
    let mails = "SELECT count(*) FROM mails WHERE kind = 'deletion_scheduled'";
    for (sql, wanted) in [(JOBS, 1), (SCHEDULED, 1), (mails, 1), (WAITING, 1)] {
        assert_eq!(auth.count(sql).await, wanted, "{sql}");
    }
    assert_eq!(won, 1);
    // Those who may ask again all hear the same.
    let back = auth.back(&ada.email).await;
    let told = join_all((0..50).map(|_| auth.leave(&back.inward))).await;
    assert!(told.iter().all(|at| *at == told[0]));
    assert_eq!((auth.count(JOBS).await, auth.count(SCHEDULED).await), (1, 1));
}

async fn nothing_waits(auth: &Auth) {
    assert_eq!((auth.count(WAITING).await, auth.count(JOBS).await), (0, 0));
}

#[actix_web::test]
async fn it_takes_a_fresh_session_of_the_user_and_nothing_less() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["auth:read", "auth:write"]).await.shown.id;
    let by_key = Claims { sid: Some(key.to_string()), ..claims_of(&ada.inward) };
    let by_key = auth.issuer.sign(&by_key).into();
    assert_eq!(refused(auth.client.delete_me(&by_key).await), code(403, "session_required"));
    assert_eq!(refused(auth.client.restore_me(&by_key).await), code(403, "session_required"));
    auth.sql("UPDATE sessions SET authenticated_at = authenticated_at - interval '16 minutes'").await;
    assert_eq!(refused(auth.client.delete_me(&ada.inward).await), code(403, "fresh_login_required"));
    let eve = auth.somebody("eve@example.com").await;
    auth.client.ban(&auth.admin().await, eve.id(), "spam").await.unwrap();
    assert_eq!(refused(auth.client.delete_me(&eve.inward).await).0, 401);
    nothing_waits(&auth).await;
}

#[actix_web::test]
async fn who_owns_an_organisation_with_others_or_administers_last_stays() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    auth.member(&owner, org, "member").await;
    assert_eq!(refused(auth.client.delete_me(&owner.inward).await), code(409, "owns_organizations"));
    let root = administrator(&auth, "root@example.com").await;
    assert_eq!(refused(auth.client.delete_me(&root.inward).await), code(409, "last_administrator"));
    nothing_waits(&auth).await;
    for tokens in [&owner.inward, &root.inward] {
        assert!(auth.client.me(tokens).await.is_ok(), "a refusal ends no session");
    }
}

#[actix_web::test]
async fn of_two_administrators_who_leave_at_once_one_stays_and_who_leaves_counts_no_more() {
    let auth = spawn().await;
    let (ada, eve) =
        (administrator(&auth, "ada@example.com").await, administrator(&auth, "eve@example.com").await);
    let both = [&ada.inward, &eve.inward].map(|token| auth.client.delete_me(token));
    let outcomes = join_all(both).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let stays = if outcomes[0].is_ok() { &eve } else { &ada };
    let demoted = auth.client.set_roles(&auth.admin_by_token_alone().await, stays.id(), &[]).await;
    assert_eq!(refused(demoted), code(409, "last_administrator"));
}

impl Auth {
    /// A token that may administer, of somebody who does not.
    async fn admin_by_token_alone(&self) -> contract_auth::Secret {
        let ida = self.somebody("ida@example.com").await;
        let scope = "auth:admin".parse().unwrap();
        self.issuer.sign(&Claims { scope, ..claims_of(&ida.inward) }).into()
    }
}

#[actix_web::test]
async fn without_a_time_of_grace_an_account_goes_at_once_even_one_that_waits() {
    let auth = spawn().await;
    let ada = auth.leaving("ada@example.com").await;
    let (strict, _) = auth.another_with(&[AT_ONCE]).await;
    assert_eq!(strict.delete_me(&ada.inward).await.unwrap(), None);
    assert_eq!((auth.left("users", ada.id()).await, auth.count(GONE).await), (0, 1));
}

#[actix_web::test]
async fn a_time_of_grace_is_ninety_days_at_most() {
    let read = |days: &str| {
        let mut reader = vec![("AUTH__ACCOUNTS__DELETION_GRACE_DAYS".to_owned(), days.to_owned())];
        reader.push(("PLINTH_ENV".to_owned(), "development".to_owned()));
        auth::Settings::read(Reader::new(Service::Auth, None, reader)).unwrap_err().to_string()
    };
    for bad in ["91", "-1", "two"] {
        assert!(read(bad).contains("DELETION_GRACE_DAYS"), "{bad}: {}", read(bad));
    }
    assert!(!read("90").contains("DELETION_GRACE_DAYS"), "other settings are missing here");
    let auth = spawn_with(&[("AUTH__ACCOUNTS__DELETION_GRACE_DAYS", "90")]).await;
    let ada = auth.somebody("ada@example.com").await;
    assert!(auth.leave(&ada.inward).await.delete_at.since(Timestamp::now()).as_secs() > 89 * 86_400);
}
