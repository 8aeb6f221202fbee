//! What ends is felt at every service, through the gateway. The times are printed, not
//! judged: they depend on the machine.

use std::time::{Duration, Instant};

use contract_auth::{ApiKeyChange, PasswordChange, Secret};
use e2e::{PASSWORD, Plinth, Somebody};
use ids::Timestamp;
use rustix::process::Signal;

const PREFS: &str = "/api/v1/prefs/appearance";
const AUTH: &str = "/api/v1/auth/me";

async fn status(plinth: &Plinth, path: &str, credential: &Secret) -> u16 {
    let request = testing::http().get(format!("{}{path}", plinth.url())).bearer_auth(credential.expose());
    request.send().await.unwrap().status().as_u16()
}

/// All of these open both services.
async fn all_open(plinth: &Plinth, credentials: &[&Secret]) {
    for credential in credentials {
        for path in [PREFS, AUTH] {
            assert_eq!(status(plinth, path, credential).await, 200, "{path}");
        }
    }
}

/// Waits until none opens anything, and makes sure that it stays so.
#[expect(clippy::print_stdout, reason = "how long it took is what an operator asks")]
async fn all_closed(plinth: &Plinth, what: &str, credentials: &[&Secret]) {
    let started = Instant::now();
    for credential in credentials {
        for path in [PREFS, AUTH] {
            while status(plinth, path, credential).await != 401 {
                assert!(started.elapsed() < Duration::from_secs(30), "{what} is never felt at {path}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    println!("{what}: felt everywhere after {} ms", started.elapsed().as_millis());
    for _ in 0..20 {
        for credential in credentials {
            assert_eq!(status(plinth, PREFS, credential).await, 401, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_is_felt_everywhere() {
    let plinth = Plinth::start().await;
    let admin = Somebody::administer(&plinth).await;
    logout(&plinth).await;
    password(&plinth).await;
    deletion(&plinth).await;
    roles(&plinth, &admin).await;
    ban(&plinth, &admin).await;
    an_operators_ban(&plinth).await;
    keys(&plinth).await;
}

async fn logout(plinth: &Plinth) {
    let ada = Somebody::arrive(plinth).await;
    let phone = ada.log_in_again().await.unwrap();
    all_open(plinth, &[ada.token(), &phone.access_token]).await;
    ada.auth.logout(ada.token()).await.unwrap();
    all_closed(plinth, "a logout", &[ada.token()]).await;
    all_open(plinth, &[&phone.access_token]).await;
    let sessions = ada.auth.sessions(&phone.access_token, "").await.unwrap();
    ada.auth.end_session(&phone.access_token, sessions.data[0].id).await.unwrap();
    all_closed(plinth, "the end of a session", &[&phone.access_token]).await;
}

async fn password(plinth: &Plinth) {
    let ada = Somebody::arrive(plinth).await;
    let phone = ada.log_in_again().await.unwrap();
    let change =
        PasswordChange { current_password: PASSWORD.into(), new_password: "nine blue foxes dance".into() };
    let next = ada.auth.change_password(ada.token(), &change).await.unwrap();
    all_closed(plinth, "a change of password", &[ada.token(), &phone.access_token]).await;
    all_open(plinth, &[&next.access_token]).await;
}

async fn deletion(plinth: &Plinth) {
    let ada = Somebody::arrive(plinth).await;
    let (phone, key) = (ada.log_in_again().await.unwrap(), ada.api_key(&["prefs:read", "auth:read"]).await);
    all_open(plinth, &[ada.token(), &phone.access_token, &key]).await;
    ada.auth.delete_me(ada.token()).await.unwrap();
    all_closed(plinth, "a deletion", &[ada.token(), &phone.access_token, &key]).await;
}

async fn roles(plinth: &Plinth, admin: &Somebody) {
    let ada = Somebody::arrive(plinth).await;
    let key = ada.api_key(&["prefs:read", "auth:read"]).await;
    all_open(plinth, &[ada.token(), &key]).await;
    admin.auth.set_roles(admin.token(), ada.id().await, &["RESELLER"]).await.unwrap();
    all_closed(plinth, "a change of roles", &[ada.token()]).await;
    all_open(plinth, &[&key]).await;
    let next = ada.auth.refresh(&ada.tokens.refresh_token).await.unwrap();
    assert!(ada.auth.me(&next.access_token).await.unwrap().roles.contains(&"RESELLER".to_owned()));
}

async fn ban(plinth: &Plinth, admin: &Somebody) {
    let ada = Somebody::arrive(plinth).await;
    let (phone, key) = (ada.log_in_again().await.unwrap(), ada.api_key(&["prefs:read", "auth:read"]).await);
    all_open(plinth, &[ada.token(), &phone.access_token, &key]).await;
    let id = ada.id().await;
    admin.auth.ban(admin.token(), id, "a test").await.unwrap();
    all_closed(plinth, "a ban", &[ada.token(), &phone.access_token, &key]).await;
    admin.auth.unban(admin.token(), id).await.unwrap();
    let back = ada.log_in_again().await.unwrap();
    all_open(plinth, &[&back.access_token]).await;
}

async fn an_operators_ban(plinth: &Plinth) {
    let ada = Somebody::arrive(plinth).await;
    all_open(plinth, &[ada.token()]).await;
    let done = plinth.command(&["admin", "ban", "--email", &ada.email, "--reason", "a test"]);
    assert!(done.status.success(), "{done:?}");
    all_closed(plinth, "an operator's ban", &[ada.token()]).await;
    assert!(plinth.command(&["admin", "unban", "--email", &ada.email]).status.success());
    assert!(ada.log_in_again().await.is_ok());
}

async fn keys(plinth: &Plinth) {
    let ada = Somebody::arrive(plinth).await;
    let scopes = ["prefs:read", "auth:read"];
    let (deleted, shortened) = (ada.api_key(&scopes).await, ada.api_key(&scopes).await);
    all_open(plinth, &[&deleted, &shortened]).await;
    let list = ada.auth.api_keys(ada.token(), "").await.unwrap().data;
    ada.auth.delete_api_key(ada.token(), list[1].id).await.unwrap();
    all_closed(plinth, "the deletion of a key", &[&deleted]).await;
    all_open(plinth, &[ada.token(), &shortened]).await;
    let end = Some(Some(Timestamp::now() + Duration::from_secs(1)));
    let change = ApiKeyChange { expires_at: end, ..ApiKeyChange::default() };
    ada.auth.change_api_key(ada.token(), list[0].id, &change).await.unwrap();
    all_closed(plinth, "a key that now ends within a second", &[&shortened]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_auth_committed_before_it_died_is_felt() {
    let plinth = Plinth::start().await;
    let admin = Somebody::administer(&plinth).await;
    for turn in 0..3 {
        let ada = Somebody::arrive(&plinth).await;
        let phone = ada.log_in_again().await.unwrap();
        let eve = Somebody::arrive(&plinth).await;
        all_open(&plinth, &[ada.token(), &phone.access_token, eve.token()]).await;
        let id = ada.id().await;
        admin.auth.ban(admin.token(), id, "a test").await.unwrap();
        plinth.kill("auth");
        all_closed(
            &plinth,
            &format!("a ban, then a kill of auth ({turn})"),
            &[ada.token(), &phone.access_token],
        )
        .await;
        assert_eq!(status(&plinth, PREFS, eve.token()).await, 200, "others never notice");
        while status(&plinth, AUTH, eve.token()).await != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_stand_still_or_die_while_something_ends() {
    let plinth = Plinth::start().await;
    let admin = Somebody::administer(&plinth).await;
    for fault in ["stands still", "dies"] {
        let ada = Somebody::arrive(&plinth).await;
        let key = ada.api_key(&["prefs:read", "auth:read"]).await;
        let eve = Somebody::arrive(&plinth).await;
        let hers = eve.api_key(&["prefs:read", "auth:read"]).await;
        all_open(&plinth, &[ada.token(), &key, eve.token(), &hers]).await;
        let id = ada.id().await;
        match fault {
            "dies" => plinth.kill("redis"),
            _ => plinth.signal("redis", Signal::STOP),
        }
        admin.auth.ban(admin.token(), id, "a test").await.unwrap();
        all_closed(&plinth, &format!("a ban while Redis {fault}"), &[ada.token(), &key]).await;
        all_open(&plinth, &[eve.token(), &hers]).await;
        // What Redis remembers of the time before opens nothing.
        if fault != "dies" {
            plinth.signal("redis", Signal::CONT);
        }
        plinth.recovered().await;
        all_closed(&plinth, &format!("a ban while Redis {fault}, and after"), &[ada.token(), &key]).await;
        all_open(&plinth, &[eve.token(), &hers]).await;
    }
}
