use contract_auth::{Login, PasswordChange};

use crate::spawn::{PASSWORD, claims_of, code, refused, spawn};

const NEW: &str = "nine blue foxes dance";

fn change(current: &str, new: &str) -> PasswordChange {
    PasswordChange { current_password: current.into(), new_password: new.into() }
}

#[actix_web::test]
async fn whoever_knew_the_old_password_is_out_and_the_caller_goes_on() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let thief = auth.login("ada@example.com").await.unwrap();
    let key = auth.api_key(&ada, &["auth:read"]).await;
    let pair = auth.client.change_password(&ada.inward, &change(PASSWORD, NEW)).await.unwrap();
    for old in [&ada.tokens, &thief] {
        let inward = auth.inward(&old.access_token);
        assert_eq!(refused(auth.client.me(&inward).await), code(401, "token_revoked"));
        assert_eq!(refused(auth.client.refresh(&old.refresh_token).await), code(401, "session_ended"));
    }
    let inward = auth.inward(&pair.access_token);
    assert_eq!(auth.client.sessions(&inward, "").await.unwrap().data.len(), 1);
    assert_eq!(auth.client.api_keys(&inward, "").await.unwrap().data, [key.shown], "keys stay");
    assert!(auth.client.refresh(&pair.refresh_token).await.is_ok());
    assert_eq!(refused(auth.login("ada@example.com").await), code(401, "wrong_credentials"));
    let login = Login { email: ada.email, password: NEW.into() };
    assert!(auth.client.login(&login).await.is_ok());
}

#[actix_web::test]
async fn a_change_takes_the_current_password_and_a_good_new_one() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    for (current, new) in
        [("not the current password", NEW), ("", NEW), (PASSWORD, "short"), (PASSWORD, "ada@example.com")]
    {
        let outcome = auth.client.change_password(&ada.inward, &change(current, new)).await;
        assert_eq!(refused(outcome), code(422, "invalid_fields"), "{current} {new}");
    }
    let key = auth.api_key(&ada, &["auth:write"]).await;
    let mut claims = claims_of(&ada.inward);
    claims.sid = Some(key.shown.id.to_string());
    let by_key = auth.issuer.sign(&claims).into();
    let outcome = auth.client.change_password(&by_key, &change(PASSWORD, NEW)).await;
    assert_eq!(refused(outcome), code(403, "session_required"));
    assert!(auth.client.me(&ada.inward).await.is_ok());
    assert!(auth.login("ada@example.com").await.is_ok());
}

/// A login that has checked the old password while it was changed opens nothing: its
/// session would outlive the change.
#[actix_web::test]
async fn a_login_that_a_change_overtakes_opens_no_session() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let mut client = auth.db.connect().await;
    let changing = client.transaction().await.unwrap();
    changing.execute("UPDATE users SET password_changed_at = now()", &[]).await.unwrap();
    let login = auth.login("ada@example.com");
    let commit = async {
        // Until the login waits for the row.
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        while auth.count(waiting).await == 0 {}
        changing.commit().await.unwrap();
    };
    let (outcome, ()) = futures_util::future::join(login, commit).await;
    assert_eq!(refused(outcome), code(401, "wrong_credentials"));
    assert_eq!(auth.client.sessions(&ada.inward, "").await.unwrap().data.len(), 1);
    assert!(auth.login("ada@example.com").await.is_ok());
}
