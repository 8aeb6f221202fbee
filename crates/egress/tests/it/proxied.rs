use egress::{Egress, Options};

use crate::{
    Names, PRIVATE, PUBLIC, get, is_not_public, policy,
    server::{OK, Server},
};

#[tokio::test]
async fn a_proxy_gets_what_is_public_and_nothing_else() {
    // It may be anywhere: the operator named it.
    let proxy = Server::saying(PRIVATE, OK).await;
    let names = Names::of(&[("hook.test", &[&[PUBLIC]]), ("inside.test", &[&[PUBLIC, PRIVATE]])]);
    let proxied = format!("http://{PRIVATE}:{}", proxy.port).parse().unwrap();
    let options = Options { policy: policy(), lookup: names, proxy: Some(proxied), ..Options::default() };
    let egress = Egress::new(options).unwrap();
    for url in ["http://inside.test/", "http://127.0.0.1:9000/", "http://169.254.169.254/latest/meta-data/"] {
        let outcome = egress.send(get(url)).await;
        assert!(is_not_public(&outcome), "{url}: {outcome:?}");
    }
    assert_eq!(proxy.requests(), 0);
    let answer = egress.send(get("http://hook.test/x")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(proxy.last().starts_with("GET http://hook.test/x HTTP/1.1\r\n"), "{}", proxy.last());
}
