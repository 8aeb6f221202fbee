use std::collections::BTreeSet;

use serde_json::json;
use service_kit::http::{about, document};

use crate::thing::routes;

#[test]
fn the_document_shows_the_key_and_who_takes_none() {
    let document = document(about("Things", "To be made once."), routes);
    assert_eq!(idempotency::unkeyed_posts(&document), BTreeSet::from(["/secrets".to_owned()]));
    let post = &serde_json::to_value(&document).unwrap()["paths"]["/things/{name}"]["post"];
    let header = post["parameters"].as_array().unwrap().iter().find(|it| it["in"] == "header").unwrap();
    assert_eq!(header["name"], "Idempotency-Key");
    assert_eq!(header["required"], json!(false));
    for status in ["409", "422"] {
        assert!(post["responses"][status]["content"]["application/problem+json"].is_object(), "{status}");
    }
}
