use std::{sync::Arc, time::Duration};

use egress::Egress;
use ids::Timestamp;
use jobs::Failure;
use sealing::Keyring;
use service_kit::db::Db;

use super::store::{self, Due, Way};
use crate::{
    endpoint::{headers, kind},
    secret,
    sending::{self, Outcome, To},
};

/// What sends messages.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(super) db: Db,
    egress: Egress,
    keyring: Arc<Keyring>,
    pub(super) waits: Arc<[Duration]>,
}

/// Why a message was sent, or was not.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It was, and so many times before.
    Sent(Outcome, i32),
    /// The endpoint is off.
    Off,
    /// There is nothing to send any more.
    Nothing,
}

impl Sender {
    pub(crate) fn new(db: Db, egress: Egress, keyring: Arc<Keyring>, waits: Vec<Duration>) -> Self {
        Self { db, egress, keyring, waits: waits.into() }
    }

    /// Sends a message when it is its turn. By hand also what is there, or was given up.
    pub(super) async fn attempt(&self, way: Way, by_hand: bool) -> Result<Attempt, Failure> {
        let (due, secrets) = {
            // Given back before the call: that may take long.
            let mut conn = self.db.connection().await?;
            match store::take_turn(&mut conn, way, by_hand).await? {
                Some(due) if due.enabled => {
                    (due, secret::store::held(&mut conn, &self.keyring, (way.org, way.endpoint)).await?)
                }
                Some(_) => return Ok(Attempt::Off),
                None => return Ok(Attempt::Nothing),
            }
        };
        let Due { url, headers, kind, posthog, body, attempts, turn, .. } = due;
        let headers = headers::open(&self.keyring, way.endpoint, headers.as_deref())?;
        // Not long: so many are in the lane, each with a turn of its own.
        tokio::time::sleep(Duration::try_from_secs_f64(turn).unwrap_or_default()).await;
        let secrets = secrets.iter().map(|held| &held.secret);
        let to = To { url: &url, headers, language: kind::stored(&kind, posthog) };
        let message = (way.org, way.message, body);
        let outcome = sending::send(&self.egress, to, message, secrets, Timestamp::now()).await?;
        Ok(Attempt::Sent(outcome, attempts))
    }
}
