use std::{sync::Arc, time::Duration};

use egress::Egress;
use ids::Timestamp;
use jobs::Failure;
use sealing::Keyring;
use service_kit::db::Db;

use super::{
    store::Way,
    turns::{Turn, Turns},
};
use crate::sending::{self, Outcome, To};

/// What sends messages.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(super) db: Db,
    egress: Egress,
    turns: Turns,
    pub(super) waits: Arc<[Duration]>,
}

/// Why a message was sent, or was not.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It was, and so many times before.
    Sent(Outcome, i32),
    /// The endpoint is off, or there is nothing to send any more.
    Nothing,
}

impl Sender {
    pub(crate) fn new(db: Db, egress: Egress, keyring: Arc<Keyring>, waits: Vec<Duration>) -> Self {
        let turns = Turns::new(db.clone(), keyring);
        Self { db, egress, turns, waits: waits.into() }
    }

    /// Sends a message when it is its turn. By hand also what is there, or was given up.
    pub(super) async fn attempt(&self, way: Way, by_hand: bool) -> Result<Attempt, Failure> {
        let Some(turn) = self.turns.take(way, by_hand).await? else { return Ok(Attempt::Nothing) };
        let Turn { body, attempts, endpoint: Some(target), wait } = turn else { return Ok(Attempt::Nothing) };
        // Not long: so many are in the lane, each with a turn of its own.
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let to = To { url: &target.url, headers: target.headers.clone(), language: &target.language };
        let message = (way.org, way.message, body);
        let outcome = sending::send(&self.egress, to, message, &target.secrets, Timestamp::now()).await?;
        Ok(Attempt::Sent(outcome, attempts))
    }
}
