//! One person in two organisations, through the gateway: what they have in one is not in the
//! other.

use contract_auth::{NewApiKey, NewOrganization, Secret};
use e2e::{Plinth, Somebody};
use ids::OrgId;
use serde_json::json;

/// What one person does where they are: reads, writes, and makes a key.
struct Place<'a> {
    who: &'a Somebody,
    org: OrgId,
    token: Secret,
}

impl Place<'_> {
    async fn theme(&self) -> String {
        theme(self.who, &self.token).await
    }

    async fn choose(&self, theme: &str) {
        let (token, appearance) = (self.token.expose(), "appearance".parse().unwrap());
        let read = self.who.prefs.document(token, &appearance).await.unwrap();
        let patch = json!({ "theme": theme }).as_object().unwrap().clone();
        self.who.prefs.patch_document(token, &appearance, &read.etag, &patch).await.unwrap();
    }

    async fn key(&self) -> Secret {
        let scopes = vec!["prefs:read".to_owned(), "auth:read".to_owned()];
        let new = NewApiKey { name: "a key".to_owned(), scopes, expires_at: None, rate_limit: None };
        self.who.auth.create_api_key(&self.token, &new).await.unwrap().key
    }

    async fn keys(&self) -> usize {
        self.who.auth.api_keys(&self.token, "").await.unwrap().data.len()
    }
}

async fn theme(who: &Somebody, credential: &Secret) -> String {
    let read = who.prefs.document(credential.expose(), &"appearance".parse().unwrap()).await.unwrap();
    read.value["theme"].as_str().unwrap().to_owned()
}

async fn switched(who: &Somebody, from: &Secret, org: OrgId) -> Secret {
    who.auth.switch_org(from, org).await.unwrap().access_token.unwrap()
}

/// Waits until a token that a switch has voided opens nothing, in either service.
async fn closed(plinth: &Plinth, token: &Secret) {
    for path in ["/api/v1/prefs/appearance", "/api/v1/auth/me"] {
        for turn in 0.. {
            let url = format!("{}{path}", plinth.url());
            if testing::http().get(url).bearer_auth(token.expose()).send().await.unwrap().status() == 401 {
                break;
            }
            assert!(turn < 600, "{path} is open still");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_person_has_in_two_organisations_stays_apart() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let phone = ada.log_in_again().await.unwrap();
    let home_id = ada.auth.me(ada.token()).await.unwrap().org_id;
    let home = Place { who: &ada, org: home_id, token: phone.access_token.clone() };
    let new = NewOrganization { name: "Engines".to_owned(), ..NewOrganization::default() };
    let org = ada.auth.create_org(ada.token(), &new).await.unwrap().id;
    let work = Place { who: &ada, org, token: switched(&ada, ada.token(), org).await };
    closed(&plinth, ada.token()).await;

    home.choose("dark").await;
    assert_ne!(work.theme().await, "dark", "what is chosen at home is not chosen at work");
    work.choose("light").await;
    assert_eq!((home.theme().await.as_str(), work.theme().await.as_str()), ("dark", "light"));

    let (of_home, of_work) = (home.key().await, work.key().await);
    assert_eq!((theme(&ada, &of_home).await, theme(&ada, &of_work).await), ("dark".into(), "light".into()));
    assert_eq!((home.keys().await, work.keys().await), (1, 1), "each organisation shows its own");
    for (key, place) in [(&of_home, &home), (&of_work, &work)] {
        assert_eq!(ada.auth.me(key).await.unwrap().org_id, place.org);
    }

    let next = ada.auth.refresh(&ada.tokens.refresh_token).await.unwrap();
    assert_eq!(ada.auth.me(&next.access_token).await.unwrap().org_id, org, "a refresh stays at work");
    let back = switched(&ada, &next.access_token, home.org).await;
    assert_eq!(theme(&ada, &back).await, "dark");
    assert_eq!(work_is_gone(&plinth, &ada, &back, org, &of_work).await, 401);
}

/// Deletes the organisation; gives what its key opens then.
async fn work_is_gone(plinth: &Plinth, ada: &Somebody, token: &Secret, org: OrgId, key: &Secret) -> u16 {
    ada.auth.delete_org(token, org).await.unwrap();
    closed(plinth, key).await;
    let url = format!("{}/api/v1/prefs/appearance", plinth.url());
    testing::http().get(url).bearer_auth(key.expose()).send().await.unwrap().status().as_u16()
}
