//! Redis stands still, or is gone, while a limit is in force.

use std::{net::Ipv4Addr, path::Path, time::Duration};

use anyhow::Context;
use figures::report::{Report, Target};
use local_servers::{
    Redis,
    process::{Process, Signal},
    redis,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::address,
    count,
    gateway::{Gateway, PASSWORD},
    instances::Instances,
    load::{Load, Sample, spread},
    servers,
};

/// What each address may send.
const LIMIT: u32 = 20;

/// One address sends so many times the limit.
const GREED: u32 = 3;

/// Others stay well below it: so many addresses, and requests a second of them all.
const OTHERS: u32 = 40;
const RATE: u32 = 200;

const QUIET: Duration = Duration::from_secs(15);
const AWAY: Duration = Duration::from_secs(20);

/// So much later may an answer be, milliseconds.
const LATER: f64 = 5.0;

/// Before that, the gateway finds out.
const FIRST: Duration = Duration::from_secs(1);

/// What it must count of the requests after its return, in which it is found again.
const MOST_OF_THEM: Target = Target::AtLeast(0.8);

pub(crate) async fn play(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let server = servers::redis(dir.path()).await?;
    let instances = Instances::start(dir.path(), 1).await?;
    let gateway = gateway(dir.path(), &server.url(), &instances.urls()).await?;
    let traffic = Traffic::to(&gateway);
    report.doing("redis: connections and caches get warm");
    traffic.run(Duration::from_secs(5)).await;

    report.doing(&format!("redis: quiet, for {QUIET:?}"));
    let mut quiet = traffic.run(QUIET).await;

    report.doing(&format!("redis: stopped, for {AWAY:?}"));
    let process = Process::find(server.pid()).context("no Redis")?;
    process.signal(Signal::STOP)?;
    let stopped = traffic.run(AWAY).await;
    process.signal(Signal::CONT)?;
    quiet.extend(counts_again("goes on", &server, &traffic, report).await?);

    report.doing(&format!("redis: killed, for {AWAY:?}"));
    let port = server.port();
    server.stop().await?;
    let killed = traffic.run(AWAY).await;
    let options = redis::Options { port: Some(port), ..redis::Options::new(PASSWORD) };
    let server = Redis::start(&dir.path().join("redis"), options).await?;
    quiet.extend(counts_again("is back", &server, &traffic, report).await?);

    quiet.tell("quiet", None, report);
    stopped.tell("stopped", Some(&quiet), report);
    killed.tell("killed", Some(&quiet), report);
    Ok(())
}

async fn gateway(dir: &Path, redis: &str, urls: &str) -> anyhow::Result<Gateway> {
    let limit = format!("{LIMIT}/s");
    let variables =
        [("GATEWAY__REDIS__URL", redis), ("PREFS_SERVICE_URL", urls), ("GATEWAY__LIMITS__IP", &limit)];
    Gateway::start(dir, &variables).await
}

/// One who sends too much, and others who do not.
struct Traffic {
    greedy: Load,
    others: Load,
}

/// What came of it.
struct Passed {
    span: Duration,
    greedy: Vec<Sample>,
    others: Vec<Sample>,
}

impl Traffic {
    fn to(gateway: &Gateway) -> Self {
        let load = |from: Vec<Ipv4Addr>, a_second| Load { port: gateway.port, from, a_second };
        Self {
            // Several connections, so that none waits for another.
            greedy: load(vec![address(OTHERS); 6], LIMIT * GREED),
            others: load((0..OTHERS).map(address).collect(), RATE),
        }
    }

    async fn run(&self, span: Duration) -> Passed {
        let (greedy, others) = tokio::join!(self.greedy.run(span), self.others.run(span));
        Passed { span, greedy, others }
    }
}

impl Passed {
    fn extend(&mut self, more: Self) {
        self.span += more.span;
        self.greedy.extend(more.greedy);
        self.others.extend(more.others);
    }

    /// After the gateway has found out.
    fn p99(&self) -> f64 {
        spread(self.others.iter().filter(|sample| sample.at >= FIRST)).millis(99)
    }

    /// And the limit.
    fn admitted(&self) -> (f64, f64) {
        let passed = self.greedy.iter().filter(|sample| sample.status == 200).count();
        (count(passed), f64::from(LIMIT) * self.span.as_secs_f64())
    }

    fn tell(&self, state: &str, quiet: Option<&Self>, report: &mut Report) {
        let name = |what: &str| format!("redis, {state}: {what}");
        let failed = self.others.iter().filter(|sample| !sample.is_good).count();
        report.held(name("requests within the limit that failed"), count(failed), "", Target::AtMost(0.0));
        let odd = self.greedy.iter().filter(|sample| !matches!(sample.status, 200 | 429)).count();
        report.held(name("requests beyond it, neither 200 nor 429"), count(odd), "", Target::AtMost(0.0));
        let (admitted, limit) = self.admitted();
        let most = Target::AtMost(1.1);
        report.compared(name("admitted of one address"), admitted, "", ("its limit", limit), most);
        report.figure(name("p99 of all"), spread(&self.others).millis(99), "ms");
        let Some(quiet) = quiet else { return };
        let later = self.p99() - quiet.p99();
        report.held(name("p99 after a second, beside quiet"), later, "ms", Target::AtMost(LATER));
    }
}

/// Quiet traffic, of which Redis is asked again.
async fn counts_again(
    state: &str,
    server: &Redis,
    traffic: &Traffic,
    report: &mut Report,
) -> anyhow::Result<Passed> {
    report.doing(&format!("redis: {state}"));
    ask(server, "CONFIG RESETSTAT").await?;
    let passed = traffic.run(QUIET).await;
    let told = ask(server, "INFO commandstats").await?;
    let calls = told.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    let calls = calls.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0.0);
    let all = count(passed.others.len());
    report.compared(format!("redis, {state}: counted by it"), calls, "", ("requests", all), MOST_OF_THEM);
    Ok(passed)
}

async fn ask(server: &Redis, command: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await?;
    stream.write_all(format!("AUTH {PASSWORD}\r\n{command}\r\nQUIT\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
