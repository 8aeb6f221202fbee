//! What the pool of a service's database promises to all who share it.

use std::{sync::Arc, time::Duration};

use service_kit::db::Db;

use crate::spawn::fixture;

const SIZE: i64 = 8;

/// Connections of the pool, whoever uses them.
const OPEN: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = '' AND pid <> pg_backend_pid()";

/// Runs `work` on a thread of its own, as actix's workers are.
fn on_a_thread<F: Future<Output = ()>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work());
    })
}

#[tokio::test]
async fn threads_share_what_there_is_and_none_waits_while_one_is_free() {
    let fixture = fixture().await;
    let db = Arc::new(fixture.db.clone());
    // All that there are, by one thread: those of others, too.
    let mut held = Vec::new();
    for _ in 0..SIZE {
        held.push(db.connection().await.unwrap());
    }
    fixture.until(OPEN, SIZE).await;
    let (sender, receiver) = std::sync::mpsc::channel();
    let waits = Arc::clone(&db);
    let waiting = on_a_thread(move || async move {
        let got = waits.connection().await;
        sender.send(got.is_ok()).unwrap();
    });
    assert!(receiver.recv_timeout(Duration::from_millis(300)).is_err(), "there was none left");
    // Whichever comes free is taken, not only one of the thread's own.
    drop(held.pop());
    assert!(receiver.recv_timeout(Duration::from_secs(5)).unwrap());
    waiting.join().unwrap();
    drop(held);
    let threads: Vec<_> = (0..12).map(|_| on_a_thread(use_often(Arc::clone(&db)))).collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(fixture.number(OPEN).await <= SIZE);
}

fn use_often(db: Arc<Db>) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = ()>>> + Send {
    move || {
        Box::pin(async move {
            for _ in 0..20 {
                drop(db.connection().await.unwrap());
            }
        })
    }
}
