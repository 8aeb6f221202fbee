//! Reads the mailbox of `plinth dev`, as a person would.

use std::time::{Duration, Instant};

use anyhow::Context;
use contract_auth::{Mail, MailKind, Secret};
use reqwest::Method;
use serde::Deserialize;
use service_discovery::{Peer, PeerOptions};

/// How long a mail may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Deserialize)]
struct Mails {
    data: Vec<Mail>,
}

/// The one-time token of the mail that a registration sends to this address.
pub(super) async fn verification(mailbox: &str, email: &str) -> anyhow::Result<Secret> {
    let peer = Peer::new(&[mailbox.parse()?], &PeerOptions::default())?;
    let kind = MailKind::VerifyEmail.name();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ask = peer.request(Method::GET, "/api/mails").query(&[("to", email), ("kind", kind)]);
        let Mails { data } = peer.json(ask).await?;
        if let Some(mail) = data.into_iter().next() {
            return mail.token.context("its link works no more");
        }
        anyhow::ensure!(Instant::now() < deadline, "none came within {} s", PATIENCE.as_secs());
        tokio::time::sleep(PAUSE).await;
    }
}
