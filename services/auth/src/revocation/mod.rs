//! The feed of revocations: written in the transaction that voids tokens, read by
//! every process (ADR 13).

mod error;
pub(crate) mod http;
mod rules;
mod store;

pub(crate) use error::FeedError;
pub(crate) use store::{prune, write};

use identity::Feed;
use service_kit::db::Db;

/// What was committed since the reading that gave this cursor; without one, or with
/// one of another history (a restored database), all of the last 20 minutes.
pub(crate) async fn read(db: &Db, since: Option<&str>) -> Result<Feed, FeedError> {
    let since = since.map(rules::parse).transpose()?;
    let mut connection = db.connection().await?;
    let Some(since) = since else { return Ok(store::window(&mut connection).await?) };
    let feed = store::since(&mut connection, &since).await?;
    if rules::is_of_another_history(&since, &feed.cursor) {
        return Ok(store::window(&mut connection).await?);
    }
    Ok(feed)
}
