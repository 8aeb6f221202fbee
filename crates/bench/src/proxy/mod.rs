//! The gateway as a proxy, beside nginx and HAProxy before the same upstream: plain, and with all
//! that it does for a request.

mod peers;
mod upload;
mod wrk;

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use service_discovery::Service;

use crate::{
    Options,
    plinth::{Plinth, Program, arrive, computed_below},
    report::{Report, Target},
    servers::Servers,
    spread::median,
};
use wrk::Figures;

/// Rounds of all alternate, so that what else the machine does falls on all.
const ROUNDS: usize = 3;
const SECONDS: u32 = 3;

/// At so many connections something is promised.
const CONNECTIONS: u32 = 64;

const NGINX: &str = "nginx";
const HAPROXY: &str = "HAProxy";
const PLAIN: &str = "gateway, plain";
const FULL: &str = "gateway, all of it";

/// Who stands before the upstream.
pub(super) struct Contender {
    name: &'static str,
    url: String,
    program: Program,
    token: Option<String>,
}

/// What is asked for, and by how many at once.
#[derive(Clone, Copy)]
struct Case {
    path: &'static str,
    body: &'static str,
    connections: u32,
}

pub(crate) async fn measure(options: &Options, servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    report.doing("starting Plinth, and its peers");
    let dir = tempfile::tempdir()?;
    // nginx' workers run as another user.
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
    let plinth = Plinth::start(servers).await?;
    let upstream = peers::upstream(dir.path()).await?;
    let contenders = contenders(options, &plinth, servers, (&upstream.url, dir.path())).await?;
    for body in [("/api/v1/prefs/small", "119 B"), ("/api/v1/prefs/large", "64 KiB")] {
        for connections in [1, CONNECTIONS, 512] {
            let case = Case { path: body.0, body: body.1, connections };
            tell(report, case, &run(report, case, &contenders).await?);
        }
    }
    upload::measure(&plinth, servers, report).await
}

async fn contenders(
    options: &Options,
    plinth: &Plinth,
    servers: &Servers,
    (upstream, dir): (&str, &Path),
) -> anyhow::Result<Vec<Contender>> {
    let mut all = Vec::new();
    if options.compares("nginx") {
        all.push(peers::nginx(dir, upstream).await?);
    }
    if options.compares("haproxy") {
        all.push(peers::haproxy(dir, upstream).await?);
    }
    let to_upstream = ("PREFS_SERVICE_URL", upstream);
    let plain = [to_upstream, ("GATEWAY__ACCESS_LOG", "off"), ("GATEWAY__LIMITS__ENFORCED", "false")];
    let (program, url) = plinth.another(servers, Service::Gateway, &plain).await?;
    all.push(Contender { name: PLAIN, url, program, token: None });
    let (program, url) = plinth.another(servers, Service::Gateway, &[to_upstream]).await?;
    let person = arrive(plinth, 1).await?.remove(0);
    all.push(Contender { name: FULL, url, program, token: Some(person.token().expose().to_owned()) });
    Ok(all)
}

/// What each contender did, over all rounds.
struct Outcome {
    name: &'static str,
    rate: f64,
    /// Milliseconds.
    p99: f64,
    /// Milliseconds of the processes' time for a request.
    cpu: f64,
}

async fn run(report: &Report, case: Case, contenders: &[Contender]) -> anyhow::Result<Vec<Outcome>> {
    let mut rounds: Vec<Vec<(Figures, Duration)>> = contenders.iter().map(|_| Vec::new()).collect();
    // The first is for connections and caches.
    for round in 0..=ROUNDS {
        let Case { body, connections, .. } = case;
        report.doing(&format!("{body}, {connections} connections, round {round} of {ROUNDS}"));
        for (contender, rounds) in contenders.iter().zip(&mut rounds) {
            let before = computed_below(contender.program.pid());
            let url = format!("{}{}", contender.url, case.path);
            let figures = wrk::run(url, connections, SECONDS, contender.token.clone()).await?;
            let spent = computed_below(contender.program.pid()).saturating_sub(before);
            if round > 0 {
                rounds.push((figures, spent));
            }
        }
    }
    Ok(contenders
        .iter()
        .zip(rounds)
        .map(|(contender, rounds)| Outcome::of(contender.name, &rounds))
        .collect())
}

impl Outcome {
    fn of(name: &'static str, rounds: &[(Figures, Duration)]) -> Self {
        let of = |figure: fn(&(Figures, Duration)) -> f64| median(rounds.iter().map(figure).collect());
        let cpu = |(figures, spent): &(Figures, Duration)| spent.as_secs_f64() * 1000.0 / figures.requests;
        Self {
            name,
            rate: of(|(figures, _)| figures.rate),
            p99: of(|(figures, _)| figures.p99),
            cpu: of(cpu),
        }
    }
}

fn tell(report: &mut Report, case: Case, outcomes: &[Outcome]) {
    let Case { body, connections, .. } = case;
    let nginx = outcomes.iter().find(|outcome| outcome.name == NGINX);
    for outcome in outcomes {
        let what = format!("proxy: {body}, {connections}, {}", outcome.name);
        let promised = match (connections, body, outcome.name) {
            (CONNECTIONS, "119 B", PLAIN) => Some(0.95),
            (CONNECTIONS, "119 B", FULL) => Some(0.75),
            (CONNECTIONS, _, PLAIN) => Some(1.1),
            _ => None,
        };
        let Some(nginx) = nginx.filter(|_| outcome.name != NGINX) else {
            report.figure(&what, outcome.rate, "req/s");
            report.figure(format!("{what}: p99"), outcome.p99, "ms");
            report.figure(format!("{what}: CPU"), outcome.cpu, "ms/req");
            continue;
        };
        match promised {
            Some(least) => {
                report.compared(&what, outcome.rate, "req/s", (NGINX, nginx.rate), Target::AtLeast(least));
                let p99 = (NGINX, nginx.p99);
                report.compared(format!("{what}: p99"), outcome.p99, "ms", p99, Target::AtMost(1.5));
            }
            None => {
                report.beside(&what, outcome.rate, "req/s", (NGINX, nginx.rate));
                report.beside(format!("{what}: p99"), outcome.p99, "ms", (NGINX, nginx.p99));
            }
        }
        report.beside(format!("{what}: CPU"), outcome.cpu, "ms/req", (NGINX, nginx.cpu));
    }
}
