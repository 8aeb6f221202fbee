//! Waiting until the services are ready.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::try_join_all;
use service_discovery::Service;

use super::part::{Part, Running};
use super::process::obituary;
use super::run::Run;

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);
const ANSWER: Duration = Duration::from_secs(2);

/// Waits for each service and, once all are ready, for the gateway's view of them.
///
/// # Errors
/// If one dies (restarting wouldn't mend its settings) or isn't ready within a minute.
pub(crate) async fn wait(run: &Run, services: &mut [(Part, Running)]) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).build()?;
    try_join_all(services.iter_mut().map(|(part, running)| one(run, &client, part, running))).await?;
    if run.services.contains(&Service::Gateway) {
        answers(&client, &format!("{}/status", run.ports.url(Service::Gateway))).await?;
    }
    Ok(())
}

async fn one(run: &Run, client: &reqwest::Client, part: &Part, running: &mut Running) -> anyhow::Result<()> {
    let Some(service) = part.service() else { return Ok(()) };
    let url = format!("{}/readyz", run.ports.url(service));
    tokio::select! {
        answer = answers(client, &url) => answer,
        status = running.ended() => {
            anyhow::bail!("{}", obituary(part.name(), &status, &running.last_lines()))
        }
    }
}

/// Asks until the answer is 200.
async fn answers(client: &reqwest::Client, url: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask(client, url).await;
        if answer.is_ok() || Instant::now() > deadline {
            return answer.with_context(|| format!("not ready within {} s", PATIENCE.as_secs()));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ask(client: &reqwest::Client, url: &str) -> anyhow::Result<()> {
    let response = client.get(url).send().await?;
    let status = response.status();
    anyhow::ensure!(status.is_success(), "{url} answers {status}: {}", response.text().await?);
    Ok(())
}
