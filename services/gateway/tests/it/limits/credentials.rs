//! How often those may ask who show a credential.

use futures_util::future::join_all;
use identity::Claims;
use ids::OrgId;

use super::{address, get, header, status, world};
use crate::auth::{claims, unknown_key};

#[actix_web::test]
async fn a_credential_counts_for_its_user_and_their_organisation_and_not_for_its_address() {
    let world = world(&[
        ("GATEWAY__LIMITS__IP", "1/h"),
        ("GATEWAY__LIMITS__USERS", "default=3/h"),
        ("GATEWAY__LIMITS__ORGANIZATIONS", "default=5/h"),
    ])
    .await;
    let (address, org) = (address(), Some(OrgId::generate()));
    let person = || world.auth.sign(&Claims { org, ..claims() });
    let ask = async |token: &str| get(&world.gateway, &address).bearer_auth(token).send().await.unwrap();
    let (one, other) = (person(), person());
    for left in ["\"user\";r=2;", "\"user\";r=1;", "\"user\";r=0;"] {
        let answer = ask(&one).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"user\";q=3;w=3600, \"org\";q=5;w=3600");
        assert!(header(&answer, "ratelimit").starts_with(left));
    }
    let refused = ask(&one).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("\\\"user\\\""));
    // What was refused cost the organisation nothing.
    assert_eq!([ask(&other).await.status(), ask(&other).await.status()], [200, 200]);
    let refused = ask(&other).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("\\\"org\\\""));
    assert_eq!(ask(&world.auth.token()).await.status(), 200, "another organisation goes on");
}

#[actix_web::test]
async fn a_key_counts_by_its_own_limit_and_its_users_in_one_step() {
    let world = world(&[("GATEWAY__LIMITS__USERS", "default=3/h")]).await;
    *world.auth.state.requests_a_minute.lock().unwrap() = Some(2);
    let key = world.auth.api_key();
    let ask = async || get(&world.gateway, &address()).header("x-api-key", &key).send().await.unwrap();
    assert!(header(&ask().await, "ratelimit").starts_with("\"key\";r=1;"));
    assert_eq!(ask().await.status(), 200);
    let refused = ask().await;
    assert_eq!(refused.status(), 429);
    assert!(header(&refused, "ratelimit").contains("\"user\";r=1;"), "the user lost nothing by it");
}

#[actix_web::test]
async fn bad_credentials_count_for_their_address() {
    let world = world(&[("GATEWAY__LIMITS__IP", "3/h")]).await;
    let address = address();
    let ask = |_| status(get(&world.gateway, &address).bearer_auth("a.b.c"));
    let all = join_all((0..10).map(ask)).await;
    assert_eq!(all.iter().filter(|status| **status == 401).count(), 3, "{all:?}");
    assert_eq!(all.iter().filter(|status| **status == 429).count(), 7, "{all:?}");
    assert_eq!(status(get(&world.gateway, &address).bearer_auth(world.auth.token())).await, 200);
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_does_not_reach_auth_and_known_ones_go_on() {
    let world = world(&[("GATEWAY__LIMITS__PROOFS", "5/h")]).await;
    let address = address();
    let ask = async |key: &str| status(get(&world.gateway, &address).header("x-api-key", key)).await;
    let known = world.auth.api_key();
    assert_eq!(ask(&known).await, 200);
    let all = join_all((0..30).map(|_| async { ask(&unknown_key()).await })).await;
    assert_eq!(all.iter().filter(|status| **status == 401).count(), 4, "{all:?}");
    assert_eq!(world.auth.exchanges(), 5);
    assert_eq!(ask(&known).await, 200);
}
