//! Instances that are killed, hang, reset connections or answer by half, under GETs and POSTs.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use figures::report::{Report, Target};
use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::{
    Options,
    client::{Answer, Client, Fault, Port},
    count,
    gateway::Gateway,
    instances::Instances,
    servers::redis,
    thing::Thing,
};

const INSTANCES: usize = 3;
const CLIENTS: usize = 12;

/// Between two requests of a client: the gateway is to be busy, not full.
const PAUSE: Duration = Duration::from_millis(15);

/// How long the gateway waits for an instance that hangs, and how long one does.
const FIRST_BYTE_MS: &str = "1000";
const HANGS: Duration = Duration::from_millis(1500);

/// So many failures are told of.
const SHOWN: usize = 5;

/// What happens to an instance, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Killed,
    Hanging,
    Resetting,
    Halving,
}

impl Fate {
    const fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Hanging => "hanging",
            Self::Resetting => "resetting",
            Self::Halving => "answering by half",
        }
    }

    /// Between two of them. After one that hung it is longer than a request waits for it: whose
    /// two tries both hang is told so, and that is not what is played here.
    const fn peace(self) -> Duration {
        match self {
            Self::Killed => Duration::from_millis(700),
            Self::Hanging => HANGS,
            Self::Resetting | Self::Halving => Duration::from_secs(1),
        }
    }

    async fn strike(self, instances: &mut Instances, number: usize) -> anyhow::Result<()> {
        match self {
            Self::Killed => {
                instances.kill(number)?;
                sleep(Duration::from_millis(300)).await;
                instances.start_again(number)
            }
            Self::Hanging => {
                instances.signal(number, Signal::STOP)?;
                sleep(HANGS).await;
                instances.signal(number, Signal::CONT)
            }
            Self::Resetting => instances.signal(number, Signal::USR1),
            Self::Halving => instances.signal(number, Signal::USR2),
        }
    }
}

pub(crate) async fn play(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let whole = Duration::from_secs(options.seconds);
    for fate in [Fate::Killed, Fate::Hanging, Fate::Resetting, Fate::Halving] {
        let span = if fate == Fate::Killed { whole } else { whole / 2 };
        report.doing(&format!("upstreams: one of three {}, in turn, for {span:?}", fate.name()));
        play_one(fate, span, report).await.with_context(|| format!("upstreams {}", fate.name()))?;
    }
    Ok(())
}

async fn play_one(fate: Fate, span: Duration, report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let redis = redis(dir.path()).await?;
    let mut instances = Instances::start(dir.path(), INSTANCES).await?;
    let gateway = gateway(dir.path(), &redis.url(), &instances.urls()).await?;
    let (tally, is_over) = (Tally::default(), Cell::new(false));
    let place = gateway.place();
    let clients = join_all((0..CLIENTS).map(|number| client(&place, number, &tally, &is_over)));
    let struck = async {
        let struck = strike(fate, span, &mut instances).await;
        is_over.set(true);
        struck
    };
    let (struck, _) = tokio::join!(struck, clients);
    struck?;
    tally.tell(fate, &instances, gateway.metric("gateway_retries_total").await?, report)
}

async fn gateway(dir: &Path, redis: &str, urls: &str) -> anyhow::Result<Gateway> {
    let variables = [
        ("GATEWAY__REDIS__URL", redis),
        ("PREFS_SERVICE_URL", urls),
        ("GATEWAY__LIMITS__ENFORCED", "false"),
        ("GATEWAY__TIMEOUTS__FIRST_BYTE_MS", FIRST_BYTE_MS),
    ];
    Gateway::start(dir, &variables).await
}

/// One instance after the other, for so long, and a moment of peace before and after: a retry is
/// earned by requests before it.
async fn strike(fate: Fate, span: Duration, instances: &mut Instances) -> anyhow::Result<()> {
    sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    for round in 0.. {
        if began.elapsed() >= span {
            break;
        }
        fate.strike(instances, round % instances.count()).await?;
        sleep(fate.peace()).await;
    }
    Ok(())
}

/// What clients saw.
#[derive(Debug, Default)]
struct Tally {
    requests: Cell<u32>,
    /// GETs that brought no thing, but for those that broke off.
    failed: Cell<u32>,
    /// Whole answers that are another thing, or a part of it.
    wrong: Cell<u32>,
    /// POSTs that ended with 502, 503 or 504.
    lost: Cell<u32>,
    /// POSTs that ended in any other way.
    odd: Cell<u32>,
    broken: RefCell<BTreeSet<u64>>,
    done: RefCell<BTreeSet<u64>>,
    /// What those were told that failed.
    told: RefCell<Vec<String>>,
}

/// GETs and POSTs in turn, each of a thing of its own.
async fn client(to: &Port, number: usize, tally: &Tally, is_over: &Cell<bool>) {
    let mut client = Client::new(to);
    let Ok(mut id) = u64::try_from(number * 1_000_000) else { return };
    while !is_over.get() {
        for is_post in [false, true] {
            id += 1;
            // From a small answer to one of sixteen kilobytes, in both framings.
            let thing = Thing::of(id, 119 + (id % 8) * 2_000);
            let request = if is_post { thing.post() } else { thing.get() };
            let answer = client.send(&request).await;
            tally.count(is_post, thing, answer);
            sleep(PAUSE).await;
        }
    }
}

impl Tally {
    fn count(&self, is_post: bool, thing: Thing, answer: Result<Answer, Fault>) {
        let more = |of: &Cell<u32>| of.set(of.get() + 1);
        more(&self.requests);
        match answer {
            Ok(answer) if answer.status == 200 && !thing.is(&answer.body) => more(&self.wrong),
            Ok(answer) if answer.status == 200 => {
                if is_post {
                    self.done.borrow_mut().insert(thing.id);
                }
            }
            Err(Fault::Broken(_)) => drop(self.broken.borrow_mut().insert(thing.id)),
            Ok(answer) if is_post && matches!(answer.status, 502..=504) => more(&self.lost),
            failed => {
                more(if is_post { &self.odd } else { &self.failed });
                let told = failed.map(|answer| String::from_utf8_lossy(&answer.body).into_owned());
                self.told.borrow_mut().push(format!("{told:?}"));
            }
        }
    }

    fn tell(
        &self,
        fate: Fate,
        instances: &Instances,
        retries: f64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let name = |what: &str| format!("upstreams, {}: {what}", fate.name());
        let none = Target::AtMost(0.0);
        let (posts, halves) = (instances.records("POST")?, instances.records("half")?);
        let broken = self.broken.borrow();
        let unexplained = broken.iter().filter(|id| !halves.contains_key(id)).count();
        let forgotten = self.done.borrow().iter().filter(|id| !posts.contains_key(id)).count();
        let requests = f64::from(self.requests.get());
        self.told.borrow().iter().take(SHOWN).for_each(|told| report.doing(told));
        report.figure(name("requests"), requests, "");
        report.held(name("GETs that failed"), f64::from(self.failed.get()), "", none);
        report.held(
            name("POSTs that ran twice"),
            count(posts.values().filter(|times| **times > 1).count()),
            "",
            none,
        );
        report.held(name("POSTs that were done and reached nobody"), count(forgotten), "", none);
        report.figure(name("POSTs lost, and told so by 502 to 504"), f64::from(self.lost.get()), "");
        report.held(name("POSTs that ended otherwise"), f64::from(self.odd.get()), "", none);
        report.held(name("parts taken for a whole"), f64::from(self.wrong.get()), "", none);
        report.figure(name("bodies that an instance broke off"), count(halves.len()), "");
        report.held(name("bodies that broke off otherwise"), count(unexplained), "", none);
        report.compared(name("retries"), retries, "", ("requests", requests), Target::AtMost(0.2));
        Ok(())
    }
}
