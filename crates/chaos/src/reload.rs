//! The gateway reads its settings again, a thousand times, under load; every tenth of them is bad.

use std::{
    cell::{Cell, RefCell},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use figures::{
    report::{Report, Target},
    spread::Spread,
};
use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::{
    client::{Client, Port},
    gateway::Gateway,
    instances::Instances,
    servers::redis,
    thing::Thing,
};

const INSTANCES: usize = 3;
const CLIENTS: u64 = 12;

/// Between two requests of a client.
const PAUSE: Duration = Duration::from_millis(15);

const TIMES: u32 = 1_000;
/// So many of them are bad: every tenth.
const BAD: u32 = TIMES / 10;

/// How long one may take, and how often it is looked.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);

/// What is told of at most.
const SHOWN: usize = 10;

const OUTCOMES: &str = "gateway_config_reloads_total";

pub(crate) async fn play(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let redis = redis(dir.path()).await?;
    let instances = Instances::start(dir.path(), INSTANCES).await?;
    let file = File { path: dir.path().join("plinth.toml"), urls: instances.urls() };
    file.write(1)?;
    let gateway = gateway(dir.path(), &redis.url(), &file.path).await?;
    let (clients, place, is_over) = (Clients::default(), gateway.place(), Cell::new(false));
    let reloads = async {
        let took = reload(&gateway, &file, report).await;
        is_over.set(true);
        took
    };
    let (took, ()) = tokio::join!(reloads, clients.run(&place, &is_over));
    let took = Spread::of(took?);
    clients.failed.borrow().iter().take(SHOWN).for_each(|failed| report.doing(failed));
    report.figure("reload: requests meanwhile", f64::from(clients.requests.get()), "");
    let failed = crate::count(clients.failed.borrow().len());
    report.held("reload: requests that failed", failed, "", Target::AtMost(0.0));
    let applied = gateway.metric_of(OUTCOMES, "outcome=\"applied\"").await?;
    let refused = gateway.metric_of(OUTCOMES, "outcome=\"refused\"").await?;
    report.held("reload: good settings applied", applied, "", Target::AtLeast(f64::from(TIMES - BAD)));
    report.held("reload: bad settings refused", refused, "", Target::AtLeast(f64::from(BAD)));
    report.figure("reload: until it was felt, p50", took.millis(50), "ms");
    report.figure("reload: until it was felt, longest", took.millis(100), "ms");
    Ok(())
}

/// What may change is in the file alone: a variable would win over it.
async fn gateway(dir: &Path, redis: &str, file: &Path) -> anyhow::Result<Gateway> {
    let file = file.to_str().context("the path of the file is no text")?;
    let variables =
        [("GATEWAY__REDIS__URL", redis), ("GATEWAY__LIMITS__ENFORCED", "false"), ("PLINTH_CONFIG", file)];
    Gateway::start(dir, &variables).await
}

/// How long each took.
async fn reload(gateway: &Gateway, file: &File, report: &Report) -> anyhow::Result<Vec<Duration>> {
    sleep(Duration::from_secs(1)).await;
    let mut took = Vec::new();
    for number in 2..TIMES + 2 {
        if number % 100 == 0 {
            report.doing(&format!("reload: {number} of {TIMES}"));
        }
        let before = gateway.metric(OUTCOMES).await?;
        let began = Instant::now();
        file.write(number)?;
        gateway.program.signal(Signal::HUP)?;
        let wanted = if is_bad(number) { 0.0 } else { 1.0 };
        let is_felt = async || {
            let ended = gateway.metric(OUTCOMES).await? > before;
            anyhow::Ok(ended && gateway.metric("gateway_config_is_current").await? == wanted)
        };
        while !is_felt().await? {
            anyhow::ensure!(began.elapsed() < PATIENCE, "reload {number} is not felt");
            sleep(LOOK).await;
        }
        took.push(began.elapsed());
    }
    Ok(took)
}

const fn is_bad(number: u32) -> bool {
    number.is_multiple_of(10)
}

/// The settings as they are written down.
struct File {
    path: PathBuf,
    /// Of all instances.
    urls: String,
}

impl File {
    /// Puts other settings in its place, whole: weights, limits, and now and then an instance less.
    fn write(&self, number: u32) -> anyhow::Result<()> {
        let new = self.path.with_extension("new");
        fs::write(&new, self.text(number))?;
        Ok(fs::rename(&new, &self.path)?)
    }

    fn text(&self, number: u32) -> String {
        if is_bad(number) {
            // Nobody listens there: if any of it were in force, requests would fail.
            return format!(
                "[shared]\nprefs_service_url = \"http://127.0.0.1:1\"\n[gateway]\nmax_body_bytes = \"{number} or so\"\n"
            );
        }
        let weighted: Vec<String> = (0_u32..)
            .zip(self.urls.split(", "))
            .filter(|(place, _)| !number.is_multiple_of(3) || number / 3 % 3 != *place)
            .map(|(place, url)| format!("{url}?weight={}", 1 + (number + place) % 9))
            .collect();
        format!(
            "[shared]\nprefs_service_url = \"{}\"\n[gateway]\nmax_body_bytes = {}\n",
            weighted.join(", "),
            1_000_000 + number,
        )
    }
}

/// Who goes on meanwhile.
#[derive(Debug, Default)]
struct Clients {
    requests: Cell<u32>,
    failed: RefCell<Vec<String>>,
}

impl Clients {
    async fn run(&self, to: &Port, is_over: &Cell<bool>) {
        join_all((0..CLIENTS).map(|number| self.ask(to, number, is_over))).await;
    }

    /// GETs and POSTs in turn.
    async fn ask(&self, to: &Port, number: u64, is_over: &Cell<bool>) {
        let (mut client, mut id) = (Client::new(to), number * 1_000_000);
        while !is_over.get() {
            id += 1;
            let thing = Thing::of(id, 119 + (id % 8) * 2_000);
            let request = if id.is_multiple_of(2) { thing.get() } else { thing.post() };
            self.requests.set(self.requests.get() + 1);
            let failed = match client.send(&request).await {
                Ok(answer) if answer.status == 200 && thing.is(&answer.body) => None,
                Ok(answer) => {
                    Some(format!("{}: {}", answer.head.first, String::from_utf8_lossy(&answer.body)))
                }
                Err(why) => Some(why.to_string()),
            };
            self.failed.borrow_mut().extend(failed);
            sleep(PAUSE).await;
        }
    }
}
