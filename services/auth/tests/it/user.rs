use contract_auth::{Exchange, Grant, Login};
use service_discovery::Service;

use crate::spawn::{PASSWORD, claims_of, code, gateway_secret, refused, spawn};

#[actix_web::test]
async fn a_banned_user_is_out_at_once_and_back_when_the_ban_ends() {
    let auth = spawn().await;
    let (ada, admin) = (auth.somebody("ada@example.com").await, auth.admin().await);
    let key = auth.api_key(&ada, &["auth:read"]).await.key;
    let exchange = async || {
        let grant = Grant::Exchange(Exchange::ApiKey(key.clone()));
        auth.internal.token(Service::Gateway, &gateway_secret(), grant).await
    };
    for _ in 0..2 {
        auth.client.ban(&admin, ada.id(), "spam").await.unwrap();
        assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
        assert_eq!(refused(auth.login("ada@example.com").await), code(401, "account_suspended"));
        assert_eq!(refused(auth.client.refresh(&ada.tokens.refresh_token).await), code(401, "session_ended"));
        assert_eq!(refused(exchange().await), code(400, "invalid_grant"));
    }
    let wrong = Login { email: ada.email.clone(), password: "not the password at all".into() };
    let told = refused(auth.client.login(&wrong).await);
    assert_eq!(told, code(401, "wrong_credentials"), "only who knows it learns of the ban");
    assert_eq!(auth.count("SELECT count(*) FROM revocations").await, 1, "a second ban changes nothing");
    for _ in 0..2 {
        auth.client.unban(&admin, ada.id()).await.unwrap();
        let back = auth.login("ada@example.com").await.unwrap();
        assert!(auth.client.me(&auth.inward(&back.access_token)).await.is_ok());
        assert!(exchange().await.is_ok());
    }
    assert_eq!(
        refused(auth.client.me(&ada.inward).await),
        code(401, "token_revoked"),
        "but not the old token"
    );
}

#[actix_web::test]
async fn a_ban_says_why_and_never_oneself() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    assert_eq!(
        refused(auth.client.ban(&auth.admin().await, ada.id(), " ").await),
        code(422, "invalid_fields")
    );
    let mut claims = claims_of(&ada.inward);
    claims.scope = "auth:admin".parse().unwrap();
    let by_ada = auth.issuer.sign(&claims).into();
    assert_eq!(refused(auth.client.ban(&by_ada, ada.id(), "tired").await), code(403, "own_account"));
    assert_eq!(refused(auth.client.set_roles(&by_ada, ada.id(), &[]).await), code(403, "own_account"));
    assert!(auth.client.me(&ada.inward).await.is_ok());
    auth.client.ban(&auth.admin().await, ada.id(), " spam ").await.unwrap();
    assert_eq!(auth.count("SELECT count(*) FROM users WHERE banned_why = 'spam'").await, 1);
}

#[actix_web::test]
async fn nobody_who_is_not_there_is_banned() {
    let auth = spawn().await;
    let (admin, nobody) = (auth.admin().await, ids::UserId::generate());
    let unknown = code(404, "user_not_found");
    assert_eq!(refused(auth.client.ban(&admin, nobody, "spam").await), unknown);
    assert_eq!(refused(auth.client.unban(&admin, nobody).await), unknown);
    assert_eq!(refused(auth.client.set_roles(&admin, nobody, &["ADMIN"]).await), unknown);
    assert_eq!(auth.count("SELECT count(*) FROM revocations").await, 0);
}

#[actix_web::test]
async fn a_change_of_roles_voids_tokens_and_the_next_have_the_new_rights() {
    let auth = spawn().await;
    let (ada, admin) = (auth.somebody("ada@example.com").await, auth.admin().await);
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    let unknown = auth.client.set_roles(&admin, ada.id(), &["ADMIN", "KING"]).await;
    assert_eq!(refused(unknown), code(422, "invalid_fields"));
    assert!(auth.client.me(&ada.inward).await.is_ok(), "a refused change voids nothing");
    let roles = auth.client.set_roles(&admin, ada.id(), &["ADMIN"]).await.unwrap();
    assert_eq!(roles.roles, ["ADMIN", "USER"]);
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    let next = auth.client.refresh(&ada.tokens.refresh_token).await.unwrap();
    assert!(claims_of(&next.access_token).scope.contains("auth:admin"));
    let inward = auth.inward(&next.access_token);
    auth.client.set_roles(&admin, ada.id(), &["USER", "ADMIN"]).await.unwrap();
    assert!(auth.client.me(&inward).await.is_ok(), "the same roles again void nothing");
    assert_eq!(auth.client.set_roles(&admin, ada.id(), &[]).await.unwrap().roles, ["USER"]);
    assert_eq!(refused(auth.client.me(&inward).await), code(401, "token_revoked"));
    assert!(auth.client.login(&Login { email: ada.email, password: PASSWORD.into() }).await.is_ok());
}
