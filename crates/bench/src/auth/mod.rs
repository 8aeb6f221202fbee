//! auth and prefs behind the gateway, all that hashes nothing, beside Better Auth.

mod better_auth;
mod paths;

use std::time::Duration;

use crate::{
    Options,
    plinth::{Load, Plinth, arrive},
    report::{Report, Target},
    servers::Servers,
};
use better_auth::BetterAuth;
use paths::Paths;

/// So many ask at once.
const CLIENTS: usize = 8;
/// Rounds of all alternate, so that what else the machine does falls on all.
const ROUNDS: usize = 4;
const ROUND: Duration = Duration::from_secs(2);

pub(crate) async fn measure(options: &Options, servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    report.doing("starting Plinth");
    let plinth = Plinth::start(servers).await?;
    let people = arrive(&plinth, 2 * CLIENTS).await?;
    let paths = Paths::open(&plinth, people).await?;
    let better_auth = match options.compares("better-auth") {
        true => Some(BetterAuth::start(servers, CLIENTS, report).await?),
        false => None,
    };
    let meter = plinth.meter(servers).await?;
    let sites = match &better_auth {
        Some(site) => Some((site, site.meter(servers).await?)),
        None => None,
    };
    let mut ours = vec![Load::default(); paths::ALL.len()];
    let mut theirs = vec![Load::default(); better_auth::ALL.len()];
    for round in 0..=ROUNDS {
        report.doing(&format!("every way of asking, round {round} of {ROUNDS}, the first to be warm"));
        for (path, sum) in paths::ALL.iter().zip(&mut ours) {
            let load = paths.ask(*path, &meter, CLIENTS, ROUND).await?;
            keep(sum, load, round);
        }
        if let Some((site, meter)) = &sites {
            for (path, sum) in better_auth::ALL.iter().zip(&mut theirs) {
                keep(sum, site.ask(*path, meter, CLIENTS, ROUND).await?, round);
            }
        }
    }
    tell(report, &ours, &theirs, better_auth.is_some());
    Ok(())
}

/// The first round is for caches and connections.
fn keep(sum: &mut Load, load: Load, round: usize) {
    if round > 0 {
        sum.add(load);
    }
}

fn tell(report: &mut Report, ours: &[Load], theirs: &[Load], compared: bool) {
    for (path, load) in paths::ALL.iter().zip(ours) {
        let name = format!("auth: {}", path.name());
        rows(report, &name, load);
        // What is not noise shows in the second digit.
        let sent = (load.statements() * 100.0).round() / 100.0;
        let name = format!("{name}, statements");
        match path.statements() {
            Some(most) => report.compared(name, sent, "/req", ("one", 1.0), Target::AtMost(most)),
            None => report.figure(name, sent, "/req"),
        }
    }
    if !compared {
        return;
    }
    for (path, load) in better_auth::ALL.iter().zip(theirs) {
        let name = format!("Better Auth: {}", path.name());
        rows(report, &name, load);
        report.figure(format!("{name}, statements"), load.statements(), "/req");
    }
    for (site, load) in better_auth::ALL.iter().zip(theirs) {
        let Some((_, own)) = paths::ALL.iter().zip(ours).find(|(path, _)| **path == site.like()) else {
            continue;
        };
        let name = format!("Better Auth's CPU for {}", site.name());
        let ours = site.like().name();
        match site.is_held_to() {
            true => report.compared(name, load.cpu(), "ms/req", (ours, own.cpu()), Target::AtLeast(5.0)),
            false => report.beside(name, load.cpu(), "ms/req", (ours, own.cpu())),
        }
        let all = |load: &Load| load.cpu() + load.postgres_cpu();
        report.beside("  the same with PostgreSQL's part", all(load), "ms/req", (ours, all(own)));
    }
}

fn rows(report: &mut Report, name: &str, load: &Load) {
    report.figure(name, load.rate(), "req/s");
    report.figure(format!("{name}, p50"), load.p50(), "ms");
    report.figure(format!("{name}, CPU"), load.cpu(), "ms/req");
    report.figure(format!("{name}, PostgreSQL's CPU"), load.postgres_cpu(), "ms/req");
}
