//! The run itself, with nothing but the two servers in it.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::time::Duration;

use local_servers::process::{Process, Signal};

use super::spawn::{Place, eventually, guard_of, none_alive};

const STOP: Duration = Duration::from_secs(10);

#[tokio::test]
async fn each_signal_stops_everything_and_leaves_nothing() {
    let place = Place::new();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut dev = place.start(&["--only"]);
        let guard = guard_of(&dev.ready().await);
        let children = dev.children();
        assert_eq!(children.len(), 2);
        dev.signal(signal);
        assert!(dev.ended(STOP).await.success(), "{}", dev.output());
        assert!(none_alive(&children));
        assert!(guard.ended(STOP).await);
        assert_eq!(place.traces(), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn a_second_start_is_told_about_the_first_and_touches_nothing() {
    let place = Place::new();
    let mut dev = place.start(&["--only"]);
    let endpoints = dev.ready().await;

    let second = place.command(&["--only", "--fresh"]).output().unwrap();
    let words = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(words.contains(&format!("pid {}", dev.pid())), "{words}");
    assert!(words.contains(endpoints["url"].as_str().unwrap()), "{words}");
    assert_eq!(dev.ready().await, endpoints);
    assert!(dev.children().iter().all(Process::is_alive));

    dev.signal(Signal::TERM);
    dev.ended(STOP).await;
}

#[tokio::test]
async fn after_a_kill_the_guard_leaves_nothing() {
    let place = Place::new();
    let mut dev = place.start(&["--only"]);
    let guard = guard_of(&dev.ready().await);
    let children = dev.children();
    dev.signal(Signal::KILL);
    dev.ended(STOP).await;
    assert!(guard.ended(STOP).await);
    assert!(none_alive(&children));
    assert_eq!(place.traces(), Vec::<&str>::new());

    let mut again = place.start(&["--only"]);
    again.ready().await;
    again.signal(Signal::TERM);
    assert!(again.ended(STOP).await.success());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_that_was_not_yet_written_down_ends_too() {
    let place = Place::new();
    let mut dev = place.start(&["--only"]);
    dev.ready().await;
    let children = dev.children();
    assert_eq!(children.len(), 2);
    fs::write(place.state().join("children.json"), "[]").unwrap();
    dev.signal(Signal::KILL);
    dev.ended(STOP).await;
    eventually("the guard finds both", STOP, async || none_alive(&children)).await;
}

#[tokio::test]
async fn a_start_right_after_a_kill_waits_for_the_guard() {
    let place = Place::new();
    let mut dev = place.start(&["--only"]);
    dev.ready().await;
    let children = dev.children();
    dev.signal(Signal::KILL);
    dev.ended(STOP).await;

    let mut again = place.start(&["--only"]);
    again.ready().await;
    assert!(none_alive(&children));
    assert!(again.children().iter().all(Process::is_alive));
    again.signal(Signal::TERM);
    assert!(again.ended(STOP).await.success());
}

#[tokio::test]
async fn a_start_after_a_kill_of_run_and_guard_sweeps_first() {
    let place = Place::new();
    let mut dev = place.start(&["--only"]);
    let guard = guard_of(&dev.ready().await);
    let children = dev.children();
    guard.signal(Signal::KILL).unwrap();
    dev.signal(Signal::KILL);
    dev.ended(STOP).await;
    assert!(children.iter().all(Process::is_alive));

    let mut again = place.start(&["--only"]);
    again.ready().await;
    assert!(none_alive(&children));
    again.signal(Signal::TERM);
    assert!(again.ended(STOP).await.success());
}

#[tokio::test]
async fn a_guard_that_dies_is_replaced() {
    let place = Place::new();
    let mut dev = place.start(&["--only"]);
    let guard = guard_of(&dev.ready().await);
    guard.signal(Signal::KILL).unwrap();
    eventually("another guard", STOP, async || dev.ready().await["guard_pid"] != guard.pid).await;
    dev.signal(Signal::TERM);
    assert!(dev.ended(STOP).await.success());
}

#[tokio::test]
async fn a_server_that_dies_is_reported_and_started_again() {
    let place = Place::new();
    let mut dev = place.start(&["--only"]);
    let before = dev.ready().await;
    for process in dev.children() {
        process.signal(Signal::KILL).unwrap();
    }
    eventually("both run again", Duration::from_secs(20), async || {
        let after = dev.ready().await;
        let replaced = |name: &str| {
            let pid = &after[name]["pid"];
            pid.is_u64() && *pid != before[name]["pid"] && after[name]["url"] == before[name]["url"]
        };
        replaced("postgres") && replaced("redis")
    })
    .await;
    let output = dev.output();
    assert!(output.contains("postgres ended") && output.contains("redis ended"), "{output}");
    dev.signal(Signal::TERM);
    assert!(dev.ended(STOP).await.success());
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_owner() {
    // The gateway's port that moves PostgreSQL's to the one that we hold.
    let (taken, gateway) = loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if let Some(gateway) = port.checked_add(2600).filter(|gateway| *gateway < 60_000) {
            break (listener, gateway);
        }
    };
    let place = Place::new();
    let mut command = place.command(&[]);
    command.args(["--only", "--port", &gateway.to_string()]);
    let output = command.output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    let port = taken.local_addr().unwrap().port();
    assert_eq!(output.status.code(), Some(1));
    assert!(words.contains(&format!("port {port} is in use by")), "{words}");
    assert!(words.contains(&format!("(pid {})", std::process::id())), "{words}");
    assert!(!place.state().join("pg").exists(), "nothing was started");
    assert_eq!(place.traces(), Vec::<&str>::new());
}

#[tokio::test]
async fn fresh_throws_the_data_away() {
    let place = Place::new();
    let mut dev = place.start(&["--only"]);
    dev.ready().await;
    dev.signal(Signal::TERM);
    dev.ended(STOP).await;
    let mark = place.state().join("pg/mark");
    fs::write(&mark, "").unwrap();
    let secrets = fs::read(place.state().join("secrets.json")).unwrap();

    let mut dev = place.start(&["--only", "--fresh"]);
    dev.ready().await;
    assert!(!mark.exists());
    assert_ne!(fs::read(place.state().join("secrets.json")).unwrap(), secrets);
    dev.signal(Signal::TERM);
    assert!(dev.ended(STOP).await.success());
}

#[tokio::test]
async fn a_normal_user_needs_nothing_of_root() {
    const NOBODY: u32 = 65_534;
    let place = Place::new();
    // Only root can become somebody else; anybody else is a normal user already.
    let mut command = place.command(&["--only"]);
    if chown(place.path(), Some(NOBODY), Some(NOBODY)).is_ok() {
        let program = place.path().join("plinth");
        fs::copy(env!("CARGO_BIN_EXE_plinth"), &program).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = std::process::Command::new(program);
        command.args(arguments).uid(NOBODY).gid(NOBODY).current_dir("/").env("HOME", place.path());
    }
    let mut dev = place.spawn(command);
    dev.ready().await;
    let children = dev.children();
    dev.signal(Signal::TERM);
    assert!(dev.ended(STOP).await.success(), "{}", dev.output());
    assert!(none_alive(&children));
}
