use std::collections::BTreeSet;

use contract_jobs::routes;
use serde_json::Value;
use service_discovery::Service;
use service_kit::http::{about, document};

/// The operations of a service that has jobs and nothing else: method and path, and ids.
fn operations(service: Service) -> (BTreeSet<(String, String)>, BTreeSet<String>) {
    let described = document(about("Jobs", "Only."), |config| jobs_http::routes(config, service));
    let described = serde_json::to_value(described).unwrap();
    let (mut pairs, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for (path, item) in described["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            pairs.insert((path.clone(), method.to_uppercase()));
            ids.insert(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    (pairs, ids)
}

#[test]
fn the_routes_are_those_of_the_contract() {
    for service in [Service::Auth, Service::Prefs] {
        let listed = routes::ALL.map(|(route, method)| (routes::of(service, route), method.to_owned()));
        assert_eq!(operations(service).0, BTreeSet::from(listed));
    }
}

#[test]
fn an_operation_id_names_the_service() {
    let (auth, prefs) = (operations(Service::Auth).1, operations(Service::Prefs).1);
    assert!(auth.contains("get_auth_job") && prefs.contains("watch_prefs_job"), "{auth:?} {prefs:?}");
    assert_eq!((auth.len(), prefs.len()), (8, 8));
    assert!(auth.is_disjoint(&prefs));
}

#[test]
fn every_post_takes_a_key() {
    let described = document(about("Jobs", "Only."), |config| jobs_http::routes(config, Service::Prefs));
    assert!(idempotency::unkeyed_posts(&described).is_empty());
}

#[test]
fn references_lead_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                if let (true, Some(reference)) = (name == "$ref", value.as_str()) {
                    found.insert(reference.replace("#/components/schemas/", ""));
                }
                references(value, found);
            }),
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let described = document(about("Jobs", "Only."), |config| jobs_http::routes(config, Service::Prefs));
    let described = serde_json::to_value(described).unwrap();
    let mut found = BTreeSet::new();
    references(&described, &mut found);
    let schemas = described["components"]["schemas"].as_object().unwrap();
    assert!(found.iter().all(|name| schemas.contains_key(name)), "{found:?}");
}
