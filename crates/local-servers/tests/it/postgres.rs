use local_servers::process::Process;
use local_servers::{Error, Postgres, port, postgres};
use tokio_postgres::NoTls;

use super::{kill, passable_dir};

fn options() -> postgres::Options {
    postgres::Options { fsync: false, ..postgres::Options::new("a-password") }
}

async fn answer(url: &str, sql: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let answer = client.query_one(sql, &[]).await.map(|row| row.get(0));
    drop(client);
    connection.await.unwrap()?;
    answer
}

#[tokio::test]
async fn keeps_its_data_over_a_stop_and_a_kill() {
    let dir = passable_dir();
    let server = Postgres::start(dir.path(), options()).await.unwrap();
    let words = answer(&server.url("postgres"), "select version()").await.unwrap();
    assert!(words.starts_with("PostgreSQL"), "{words}");
    let pid = server.pid();
    server.stop().await.unwrap();
    assert!(Process::find(pid).is_none());

    let server = Postgres::start(dir.path(), options()).await.unwrap();
    kill(server.pid()).await;
    assert!(dir.path().join("data/postmaster.pid").exists(), "a kill leaves the pid behind");
    let again = Postgres::start(dir.path(), options()).await.unwrap();
    again.stop().await.unwrap();
}

#[tokio::test]
async fn asks_for_the_password_and_takes_the_port_it_is_given() {
    let dir = passable_dir();
    let port = port::free().unwrap();
    let server =
        Postgres::start(dir.path(), postgres::Options { port: Some(port), ..options() }).await.unwrap();
    assert_eq!(server.port(), port);
    answer(&server.url_as("postgres", "wrong", "postgres"), "select 'in'").await.unwrap_err();
    server.stop().await.unwrap();

    let other = postgres::Options { password: "another".to_owned(), ..options() };
    let refused = Postgres::start(dir.path(), other).await.unwrap_err();
    assert!(matches!(refused, Error::Password(_)), "{refused}");
}

#[tokio::test]
async fn refuses_a_second_server_and_data_of_another_version() {
    let dir = passable_dir();
    let server = Postgres::start(dir.path(), options()).await.unwrap();
    let refused = Postgres::start(dir.path(), options()).await.unwrap_err();
    assert!(matches!(refused, Error::Running { pid, .. } if pid == server.pid()), "{refused}");
    server.stop().await.unwrap();

    std::fs::write(dir.path().join("data/PG_VERSION"), "9.6\n").unwrap();
    let refused = Postgres::start(dir.path(), options()).await.unwrap_err().to_string();
    assert!(refused.contains("PostgreSQL 9.6") && refused.contains("--fresh"), "{refused}");
}

#[tokio::test]
async fn a_pid_of_a_stranger_is_no_server() {
    let dir = passable_dir();
    Postgres::start(dir.path(), options()).await.unwrap().stop().await.unwrap();
    let stranger = format!("{}\n", std::process::id());
    std::fs::write(dir.path().join("data/postmaster.pid"), stranger).unwrap();
    Postgres::start(dir.path(), options()).await.unwrap().stop().await.unwrap();
}
