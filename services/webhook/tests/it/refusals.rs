use contract_webhook::{EndpointPatch, NewEndpoint, routes};
use serde_json::{Value, json};

use crate::spawn::{refused, spawn};

#[actix_web::test]
async fn what_cannot_be_an_endpoint_is_refused_with_what_to_mend() {
    let webhook = spawn().await;
    let token = webhook.writer();
    for (body, pointer) in [
        (json!({"url": "http://10.0.0.1/"}), "/url"),
        (json!({"url": "http://169.254.169.254/latest/meta-data/"}), "/url"),
        (json!({"url": "ftp://example.com/"}), "/url"),
        (json!({"url": "https://user:pass@example.com/"}), "/url"),
        // Ours, though loopback is allowed in development.
        (json!({"url": "http://127.0.0.1:8080/"}), "/url"),
        (json!({"url": "http://localhost.example:22/"}), "/url"),
        (json!({"url": "https://example.com/", "event_types": ["a b"]}), "/event_types/0"),
        (json!({"url": "https://example.com/", "rate_limit": 0}), "/rate_limit"),
        (json!({"url": "https://example.com/", "rate_limit": 10_001}), "/rate_limit"),
        (json!({"url": "https://example.com/", "rate": 1}), "/rate"),
        (json!({"event_types": []}), "/url"),
    ] {
        let request = webhook.http.post(format!("{}{}", webhook.base, routes::ENDPOINTS)).bearer_auth(&token);
        let answer = request.json(&body).send().await.unwrap();
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(
            (status, problem["errors"][0]["pointer"].as_str()),
            (422, Some(pointer)),
            "{body}: {problem}"
        );
    }
    assert_eq!(webhook.number("SELECT count(*) FROM endpoints").await, 0);
}

#[actix_web::test]
async fn a_bad_patch_changes_nothing() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let made =
        webhook.client.create_endpoint(&token, &NewEndpoint::at("https://example.com/")).await.unwrap();
    let patch = EndpointPatch {
        description: Some("new".to_owned()),
        url: Some("https://[::1]/".to_owned()),
        ..EndpointPatch::default()
    };
    // Loopback is allowed in development; a port of ours is not.
    let patch = EndpointPatch { url: Some("http://[::1]:3004/".to_owned()), ..patch };
    let problem = refused(webhook.client.update_endpoint(&token, made.id, &patch).await);
    assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, "/url"));
    assert_eq!(webhook.client.endpoint(&token, made.id).await.unwrap(), made);
}

#[actix_web::test]
async fn what_is_no_endpoints_id_is_404() {
    let webhook = spawn().await;
    let token = webhook.writer();
    for id in ["x", "ep_", "usr_01h455vb4pex5vsknk084sn02q", "ep_01h455vb4pex5vsknk084sn02q"] {
        let request = webhook.http.get(format!("{}{}/{id}", webhook.base, routes::ENDPOINTS));
        assert_eq!(request.bearer_auth(&token).send().await.unwrap().status(), 404, "{id}");
    }
}
