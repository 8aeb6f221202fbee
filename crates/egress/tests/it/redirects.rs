use egress::{EgressError, Refusal};
use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderValue},
};

use crate::{
    Names, PRIVATE, PUBLIC, egress, get, is_not_public,
    server::{OK, Server},
    without_names,
};

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_redirect_is_an_answer_unless_it_is_asked_for() {
    let inside = Server::saying(PRIVATE, OK).await;
    let server = Server::saying(PUBLIC, to(&format!("http://{PRIVATE}:{}/", inside.port))).await;
    let answer = without_names().send(get(&format!("http://{PUBLIC}:{}/", server.port))).await.unwrap();
    assert_eq!((answer.status.as_u16(), inside.requests()), (302, 0));
}

#[tokio::test]
async fn no_redirect_leads_inside() {
    let inside = Server::saying(PRIVATE, OK).await;
    let names = Names::of(&[("inside.test", &[&[PRIVATE]])]);
    for host in [PRIVATE, "inside.test", "2130706433", "[::ffff:127.0.0.1]", "localhost."] {
        let server = Server::saying(PUBLIC, to(&format!("http://{host}:{}/", inside.port))).await;
        let outcome =
            egress(&names).send(get(&format!("http://{PUBLIC}:{}/", server.port)).following(5)).await;
        let is_refused = is_not_public(&outcome) || matches!(outcome, Err(EgressError::Unresolved(_)));
        assert!(is_refused, "{host}: {outcome:?}");
    }
    for location in
        ["file:///etc/passwd", "gopher://127.0.0.2/", "http://a:b@127.0.0.2/", "http://127.0.0.2:22/"]
    {
        let server = Server::saying(PUBLIC, to(location)).await;
        let call = get(&format!("http://{PUBLIC}:{}/", server.port)).following(5);
        let outcome = without_names().send(call).await;
        assert!(matches!(outcome, Err(EgressError::Refused(_))), "{location}: {outcome:?}");
    }
    assert_eq!(inside.requests(), 0);
}

#[tokio::test]
async fn a_redirect_to_another_public_host_is_followed_without_secrets() {
    let other = Server::saying("127.0.0.3", OK).await;
    let server = Server::saying(PUBLIC, to(&format!("http://127.0.0.3:{}/there", other.port))).await;
    let call = get(&format!("http://{PUBLIC}:{}/", server.port)).following(1);
    let call = call.header(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
    let answer = without_names().send(call).await.unwrap();
    assert_eq!(answer.url.as_str(), format!("http://127.0.0.3:{}/there", other.port));
    assert!(server.last().contains("Bearer secret"));
    assert!(!other.last().contains("secret"), "{}", other.last());
}

#[tokio::test]
async fn a_circle_ends() {
    let server = Server::saying(PUBLIC, to("http://127.0.0.2:PORT/")).await;
    let outcome = without_names().send(get(&format!("http://{PUBLIC}:{}/", server.port)).following(3)).await;
    assert!(matches!(outcome, Err(EgressError::TooManyRedirects(3))), "{outcome:?}");
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_post_is_sent_to_nobody_else() {
    let other = Server::saying("127.0.0.3", OK).await;
    let server = Server::saying(PUBLIC, to(&format!("http://127.0.0.3:{}/", other.port))).await;
    let call = egress::Call::post(format!("http://{PUBLIC}:{}/", server.port).parse().unwrap(), "x");
    let answer = without_names().send(call.following(5)).await.unwrap();
    assert_eq!((answer.status.as_u16(), other.requests()), (302, 0));
    assert_eq!(server.last().split(' ').next(), Some(Method::POST.as_str()));
    assert_eq!(Refusal::NotPublic.to_string(), "its host is not a public one");
}
