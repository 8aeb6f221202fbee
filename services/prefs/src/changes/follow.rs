use std::{convert::Infallible, time::Duration};

use service_kit::db::{self, Db};
use tokio::{sync::watch, time::sleep};

use super::{Hub, rules::Snapshot, store};

/// How often it is looked for news while somebody watches, without a hint.
const EVERY: Duration = Duration::from_secs(1);

/// How often while nobody does: only so that a look never has much to tell.
const IDLE: Duration = Duration::from_secs(15);

/// How soon it is looked after a hint, and how often again: hints are given seldom.
const SOON: Duration = Duration::from_millis(40);
const LOOKS: u32 = 10;

/// Follows what changes and tells the hub; runs for ever.
pub(crate) async fn follow(hub: &Hub, db: &Db) -> Infallible {
    let (hint, hinted) = watch::channel(());
    tokio::select! {
        never = events::hear_hints(db, &hint) => never,
        never = look(hub, db, hinted) => never,
    }
}

async fn look(hub: &Hub, db: &Db, mut hinted: watch::Receiver<()>) -> Infallible {
    let mut seen: Option<Snapshot> = None;
    let mut hot = 0_u32;
    let mut failing = false;
    loop {
        let looked = once(hub, db, &mut seen).await;
        match &looked {
            Err(why) if !failing => tracing::warn!(%why, "changes cannot be followed"),
            Ok(()) if failing => tracing::info!("changes are followed again"),
            _ => {}
        }
        failing = looked.is_err();
        hot = hot.saturating_sub(1);
        let watched = hub.is_watched();
        let pause = match (hot, watched) {
            _ if failing => EVERY,
            (1.., true) => SOON,
            (_, true) => EVERY,
            (_, false) => IDLE,
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = hub.came.notified() => {}
            heard = hinted.changed(), if watched && hot == 0 => {
                hot = if heard.is_ok() { LOOKS } else { 0 };
            }
        }
    }
}

/// One look. The first only sees where it begins.
async fn once(hub: &Hub, db: &Db, seen: &mut Option<Snapshot>) -> db::Result<()> {
    let mut conn = db.connection().await?;
    match seen {
        None => {
            *seen = Some(store::now(&mut conn).await?);
            hub.begin();
        }
        Some(before) => {
            let news = store::news(&mut conn, before).await?;
            hub.tell(&news);
            *before = news.seen;
        }
    }
    Ok(())
}
