//! Credentials that end while a request is under way.

use contract_auth::Secret;
use service_kit::db::Connector;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::spawn::{Auth, Somebody, code, refused, spawn};

const TO_ADMIN: &str = r#"{"roles": ["ADMIN"]}"#;
const ROLES_OF: &str = "SELECT count(*) FROM user_roles WHERE role = 'ADMIN'";

/// Somebody whose role it is to administer, and their token.
async fn administrator(auth: &Auth, email: &str) -> (Somebody, Secret) {
    auth.register(email).await;
    let mut operator = Connector::new(auth.db.url(), None).unwrap().connect().await.unwrap();
    auth::admin::verify(&mut operator, email).await.unwrap();
    auth::admin::grant(&mut operator, email, "ADMIN").await.unwrap();
    let tokens = auth.login(email).await.unwrap();
    let inward = auth.inward(&tokens.access_token);
    let somebody = Somebody { email: email.to_owned(), tokens, inward: inward.clone() };
    (somebody, inward)
}

/// Sends the head of a request that makes `who` administer, and a piece of its body.
async fn begin(auth: &Auth, by: &Secret, who: &Somebody) -> TcpStream {
    let head = format!(
        "POST /api/v1/admin/users/{}/roles HTTP/1.1\r\nhost: auth\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{}",
        who.id(),
        by.expose(),
        TO_ADMIN.len(),
        &TO_ADMIN[..3]
    );
    let mut stream = TcpStream::connect(auth.base.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // Until the caller is let in, which cannot be seen from here.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    stream
}

/// Sends the rest; gives the reply.
async fn finish(mut stream: TcpStream) -> String {
    stream.write_all(&TO_ADMIN.as_bytes()[3..]).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

#[actix_web::test]
async fn who_is_demoted_while_the_body_arrives_grants_nothing() {
    let auth = spawn().await;
    let (ada, by_ada) = administrator(&auth, "ada@example.com").await;
    let eve = auth.somebody("eve@example.com").await;
    let under_way = begin(&auth, &by_ada, &eve).await;
    auth.client.set_roles(&auth.admin().await, ada.id(), &[]).await.unwrap();
    let reply = finish(under_way).await;
    assert!(reply.starts_with("HTTP/1.1 401 ") && reply.contains("token_revoked"), "{reply}");
    let of_eve = format!("{ROLES_OF} AND user_id = '{}'", eve.id().uuid());
    assert_eq!(auth.count(&of_eve).await, 0, "she has not got the role");
    let (_, by_ida) = administrator(&auth, "ida@example.com").await;
    let reply = finish(begin(&auth, &by_ida, &eve).await).await;
    assert!(reply.starts_with("HTTP/1.1 200 "), "a body may take its time: {reply}");
}

/// As when another replica did it and the feed has not told yet.
#[actix_web::test]
async fn who_administers_is_asked_for_in_the_transaction() {
    let ends = [
        ("UPDATE sessions SET revoked_at = now()", code(401, "credential_ended")),
        ("UPDATE users SET version = version + 1", code(401, "token_revoked")),
        ("UPDATE users SET banned_at = now(), banned_why = 'x'", code(401, "account_suspended")),
    ];
    let auth = spawn().await;
    let eve = auth.somebody("eve@example.com").await.id();
    for (turn, (sql, wanted)) in ends.into_iter().enumerate() {
        let (ada, by_ada) = administrator(&auth, &format!("ada{turn}@example.com")).await;
        let column = if sql.contains("sessions") { "user_id" } else { "id" };
        auth.sql(&format!("{sql} WHERE {column} = '{}'", ada.id().uuid())).await;
        assert_eq!(refused(auth.client.set_roles(&by_ada, eve, &["ADMIN"]).await), wanted, "{sql}");
        assert_eq!(refused(auth.client.ban(&by_ada, eve, "spam").await), wanted, "{sql}");
        assert_eq!(refused(auth.client.unban(&by_ada, eve).await), wanted, "{sql}");
    }
    assert_eq!(auth.count(ROLES_OF).await, 3, "theirs alone");
    assert!(auth.login("eve@example.com").await.is_ok());
}

/// What the feed of revocations has not told yet is in the database already.
#[actix_web::test]
async fn a_session_that_has_just_ended_changes_no_key_and_no_grant() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["auth:read"]).await.shown.id;
    let given = crate::grant::give(&auth, &ada, "import_1").await.unwrap().id;
    auth.sql("UPDATE sessions SET revoked_at = now()").await;
    let ended = code(401, "credential_ended");
    let change = contract_auth::ApiKeyChange { name: Some("x".to_owned()), ..Default::default() };
    assert_eq!(refused(auth.client.change_api_key(&ada.inward, key, &change).await), ended);
    assert_eq!(refused(auth.client.rotate_api_key(&ada.inward, key, 0).await), ended);
    assert_eq!(refused(auth.client.delete_api_key(&ada.inward, key).await), ended);
    assert_eq!(refused(auth.client.revoke_grant(&ada.inward, given).await), ended);
    assert_eq!(auth.count("SELECT count(*) FROM api_keys WHERE name = 'a key'").await, 1);
}
