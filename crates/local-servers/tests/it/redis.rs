use local_servers::process::Process;
use local_servers::{Redis, port, redis};

use super::{kill, passable_dir};

#[tokio::test]
async fn starts_again_on_the_same_port_after_a_kill() {
    let dir = passable_dir();
    let options = redis::Options { port: Some(port::free().unwrap()), ..redis::Options::new("a-password") };
    let server = Redis::start(dir.path(), options.clone()).await.unwrap();
    assert_eq!(server.url(), format!("redis://:a-password@127.0.0.1:{}", server.port()));
    kill(server.pid()).await;

    let server = Redis::start(dir.path(), options).await.unwrap();
    let pid = server.pid();
    server.stop().await.unwrap();
    assert!(Process::find(pid).is_none());
}

#[tokio::test]
async fn says_why_it_could_not_start() {
    let dir = passable_dir();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = Some(taken.local_addr().unwrap().port());
    let refused =
        Redis::start(dir.path(), redis::Options { port, ..redis::Options::new("p") }).await.unwrap_err();
    assert!(refused.to_string().contains("Address already in use"), "{refused}");
}
