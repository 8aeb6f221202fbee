use egress::{Egress, EgressError, Options, Policy};

use crate::{
    Names, PRIVATE, PUBLIC, egress, get, is_not_public, policy,
    server::{OK, Server},
    without_names,
};

#[tokio::test]
async fn a_name_is_looked_up_once_and_called_there() {
    let server = Server::saying(PUBLIC, OK).await;
    let names = Names::of(&[("hook.test", &[&[PUBLIC], &[PRIVATE]])]);
    let answer = egress(&names).send(get(&format!("http://hook.test:{}/x?y=1", server.port))).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.as_ref(), answer.is_cut), (200, &b"ok"[..], false));
    assert_eq!((names.asked(), server.requests()), (1, 1));
    assert!(server.last().starts_with("GET /x?y=1 HTTP/1.1\r\n"), "{}", server.last());
    assert!(server.last().contains(&format!("host: hook.test:{}", server.port)), "{}", server.last());
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_called() {
    let server = Server::saying(PRIVATE, OK).await;
    let names = Names::of(&[
        ("hook.test", &[&[PRIVATE]]),
        ("local", &[&["::1"]]),
        ("mapped", &[&["::ffff:127.0.0.1"]]),
    ]);
    for name in ["hook.test", "local", "mapped"] {
        let outcome = egress(&names).send(get(&format!("http://{name}:{}/", server.port))).await;
        assert!(is_not_public(&outcome), "{outcome:?}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn one_bad_address_among_good_ones_spoils_them_all() {
    let (good, bad) = (Server::saying(PUBLIC, OK).await, Server::saying(PRIVATE, OK).await);
    for answer in
        [&[PUBLIC, PRIVATE][..], &[PRIVATE, PUBLIC], &[PUBLIC, "10.0.0.1"], &["8.8.8.8", PUBLIC, "::1"]]
    {
        let names = Names::of(&[("hook.test", &[answer])]);
        for port in [good.port, bad.port] {
            let outcome = egress(&names).send(get(&format!("http://hook.test:{port}/"))).await;
            assert!(is_not_public(&outcome), "{answer:?}: {outcome:?}");
        }
    }
    assert_eq!((good.requests(), bad.requests()), (0, 0));
}

/// DNS rebinding: the name is good while it is looked at, and leads inside a moment later.
#[tokio::test]
async fn a_name_that_changes_between_the_look_and_the_call_is_looked_at_again() {
    let inside = Server::saying(PRIVATE, OK).await;
    let names = Names::of(&[("hook.test", &[&[PUBLIC], &[PRIVATE]])]);
    let (egress, url) = (egress(&names), format!("http://hook.test:{}/", inside.port));
    egress.check(&url.parse().unwrap()).await.unwrap();
    let outcome = egress.send(get(&url)).await;
    assert!(is_not_public(&outcome), "{outcome:?}");
    assert_eq!((names.asked(), inside.requests()), (2, 0));
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_unresolved() {
    let names = Names::of(&[("empty.test", &[&[]])]);
    for name in ["nowhere.test", "empty.test"] {
        let outcome = egress(&names).send(get(&format!("http://{name}/"))).await;
        assert!(matches!(outcome, Err(EgressError::Unresolved(_))), "{outcome:?}");
        let looked = egress(&names).check(&format!("http://{name}/").parse().unwrap()).await;
        assert!(matches!(looked, Err(EgressError::Unresolved(_))), "{looked:?}");
    }
}

#[tokio::test]
async fn an_address_in_the_url_is_looked_at_too() {
    let server = Server::saying(PRIVATE, OK).await;
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let outcome = without_names().send(get(&format!("http://{host}:{}/", server.port))).await;
        assert!(is_not_public(&outcome), "{host}: {outcome:?}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_name_is_not_called_at_a_port_of_ours_either() {
    let server = Server::saying(PUBLIC, OK).await;
    let names = Names::of(&[("hook.test", &[&[PUBLIC]])]);
    let policy = Policy { own_ports: [server.port].into(), ..policy() };
    let egress = Egress::new(Options { policy, lookup: names, ..Options::default() }).unwrap();
    for host in ["hook.test", PUBLIC] {
        let outcome = egress.send(get(&format!("http://{host}:{}/", server.port))).await;
        assert!(is_not_public(&outcome), "{host}: {outcome:?}");
    }
    assert_eq!(server.requests(), 0);
}

/// And says nothing of what it is that takes none.
#[tokio::test]
async fn what_takes_no_connection_is_unreachable() {
    let outcome = without_names().send(get("http://127.0.0.2:9/")).await;
    assert!(matches!(outcome, Err(EgressError::Refused(_))), "a port of another protocol: {outcome:?}");
    let outcome = without_names().send(get("http://127.0.0.2:10001/")).await.unwrap_err();
    assert_eq!(outcome.code(), "connection_failed");
    assert!(!format!("{outcome:?}").contains("http://127.0.0.2"), "{outcome:?}");
}
