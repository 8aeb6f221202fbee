//! Operations that act once for an `Idempotency-Key`.

use contract_prefs::routes;
use serde_json::{Value, json};

use crate::{flags::boolean, spawn::spawn};

/// Those that change nothing, so that a repetition is harmless.
const HARMLESS: [&str; 2] = [routes::EVALUATE_FLAGS, routes::EVALUATE_FLAG];

#[test]
fn every_authenticated_post_takes_a_key_unless_it_changes_nothing() {
    assert_eq!(idempotency::unkeyed_posts(&prefs::openapi()), HARMLESS.map(str::to_owned).into());
}

#[actix_web::test]
async fn a_flag_that_is_made_twice_is_one() {
    let prefs = spawn().await;
    let token = prefs.user();
    let make = async || {
        let request = prefs.http.post(format!("{}{}", prefs.base, routes::FLAGS)).bearer_auth(&token);
        request.header("idempotency-key", "k1").json(&boolean("once")).send().await.unwrap()
    };
    let (first, second) = (make().await, make().await);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (201, 201));
    assert_eq!(second.headers()["idempotency-replayed"], "true");
    assert_eq!(first.headers()["etag"], second.headers()["etag"]);
    assert_eq!(first.json::<Value>().await.unwrap(), second.json::<Value>().await.unwrap());
    assert_eq!(prefs.number("SELECT count(*) FROM flag_versions").await, 1);
    let other = prefs.http.post(format!("{}{}", prefs.base, routes::FLAGS)).bearer_auth(&token);
    let other = other.header("idempotency-key", "k1").json(&json!({"key": "x"})).send().await.unwrap();
    assert_eq!(other.status(), 422);
}
