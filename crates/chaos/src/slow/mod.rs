//! Two thousand clients that hold connections and do little with them, beside good ones.

mod crowd;
mod sockets;

use std::{path::Path, time::Duration};

use figures::report::{Report, Target};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::{sleep, timeout};

use crate::{
    client::address,
    count,
    gateway::Gateway,
    instances::Instances,
    load::{Load, Sample, spread},
    servers::redis,
};
use crowd::{Crowd, Kind};

/// Good clients, and their requests a second.
const GOOD: u32 = 20;
const RATE: u32 = 100;

/// Quiet and slow alternate, so that what else the machine does falls on both.
const ROUNDS: u32 = 2;
const ROUND: Duration = Duration::from_secs(14);

/// What a hundred long answers cost until they stand still is not what is measured.
const SETTLED: Duration = Duration::from_secs(5);

/// Within this each slow client is cut, and each idle one, seconds.
const CUT: f64 = 30.0;
const IDLE: f64 = 100.0;

pub(crate) async fn play(report: &mut Report) -> anyhow::Result<()> {
    more_files()?;
    let dir = tempfile::tempdir()?;
    let redis = redis(dir.path()).await?;
    let instances = Instances::start(dir.path(), 1).await?;
    let gateway = gateway(dir.path(), &redis.url(), &instances.urls()).await?;
    let good = Load { port: gateway.port, from: (5000..5000 + GOOD).map(address).collect(), a_second: RATE };
    good.run_apart(Duration::from_secs(3)).await?;
    let (mut quiet, mut crowded) = (Vec::new(), Vec::new());
    let mut crowds = Vec::new();
    for round in 1..=ROUNDS {
        report.doing(&format!("slow: without slow clients, round {round} of {ROUNDS}"));
        quiet.extend(good.run_apart(ROUND).await?);
        report.doing(&format!("slow: with {} slow clients, round {round} of {ROUNDS}", crowd::SIZE));
        let crowd = Crowd::gather(&gateway.place()).await?;
        crowd.keep_coming(SETTLED).await?;
        let (samples, grown) = tokio::join!(good.run_apart(ROUND), crowd.keep_coming(ROUND));
        grown?;
        crowded.extend(samples?);
        report.doing("slow: until all of them are cut");
        // Tolerated: those that are left are told below.
        let _ = timeout(Duration::from_secs_f64(IDLE), crowd.all_cut()).await;
        crowds.push(crowd);
        sleep(Duration::from_secs(1)).await;
    }
    tell(&quiet, &crowded, &crowds, report);
    Ok(())
}

async fn gateway(dir: &Path, redis: &str, urls: &str) -> anyhow::Result<Gateway> {
    let variables = [
        ("GATEWAY__REDIS__URL", redis),
        ("PREFS_SERVICE_URL", urls),
        // How often one asks is not what is played here; how many connections each may hold is.
        ("GATEWAY__LIMITS__ENFORCED", "false"),
    ];
    Gateway::start(dir, &variables).await
}

/// As many open files as this process may have, and those that it starts.
fn more_files() -> anyhow::Result<()> {
    let most = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?)
}

fn tell(quiet: &[Sample], crowded: &[Sample], crowds: &[Crowd], report: &mut Report) {
    let failed = quiet.iter().chain(crowded).filter(|sample| !sample.is_good).count();
    report.held("slow: good requests that failed", count(failed), "", Target::AtMost(0.0));
    let (quiet, crowded) = (spread(quiet), spread(crowded));
    report.figure("slow: good requests when quiet, p50", quiet.millis(50), "ms");
    report.figure("slow: good requests beside slow ones, p50", crowded.millis(50), "ms");
    report.figure("slow: good requests when quiet, p99", quiet.millis(99), "ms");
    let name = "slow: good requests beside slow ones, p99";
    report.compared(name, crowded.millis(99), "ms", ("quiet", quiet.millis(99)), Target::AtMost(2.0));
    for kind in Kind::ALL {
        let cut: Vec<f64> = crowds.iter().flat_map(|crowd| crowd.cut(kind)).collect();
        let longest = cut.iter().copied().fold(0.0, f64::max);
        let name = |what: &str| format!("slow: who {}, {what}", kind.does());
        report.figure(name("times that one was cut"), count(cut.len()), "");
        let within = if kind == Kind::Idles { IDLE } else { CUT };
        report.held(name("the last after"), longest, "s", Target::AtMost(within));
        let left: usize = crowds.iter().map(|crowd| crowd.left(kind)).sum();
        report.held(name("never cut"), count(left), "", Target::AtMost(0.0));
    }
}
