//! Idempotency: what the record of a reply costs a request.

mod clients;
mod statements;
mod thing;

use std::time::Duration;

use ::idempotency::MIGRATIONS;
use service_kit::migrations::Catalogue;
use testing::Issuer;

use crate::{report::Report, servers::Servers};
use clients::{Clients, Key, Load};

/// Each way of asking has so many rounds, one after the other, so that what else the
/// machine does falls on all of them.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

pub(crate) async fn measure(servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    statements::count_all()?;
    let url = servers.database("idempotency", Catalogue::embedded(&[&MIGRATIONS])?).await?;
    let issuer = Issuer::start();
    let service = thing::serve_things(&url, &issuer).await?;
    let clients = Clients::new(&service.public, &issuer);
    report.doing("every client asks once, to be warm");
    clients.ask(Key::Same, Duration::ZERO).await?;
    let (mut without, mut fresh, mut same) = (Load::default(), Load::default(), Load::default());
    for round in 1..=ROUNDS {
        report.doing(&format!(
            "a POST without key, with a new one, with a known one, round {round} of {ROUNDS}"
        ));
        without.add(clients.ask(Key::None, ROUND).await?);
        fresh.add(clients.ask(Key::Fresh, ROUND).await?);
        same.add(clients.ask(Key::Same, ROUND).await?);
    }
    tell(report, "a POST without a key", &without, None);
    tell(report, "a POST with a new key", &fresh, Some(&without));
    tell(report, "a POST with a known key", &same, Some(&without));
    Ok(())
}

/// How `load` went, beside one without a key.
fn tell(report: &mut Report, what: &str, load: &Load, without: Option<&Load>) {
    let mut row = |of_what: &str, unit, figure: fn(&Load) -> f64| {
        let name = format!("idempotency: {what}{of_what}");
        match without {
            Some(without) => report.beside(name, figure(load), unit, ("without", figure(without))),
            None => report.figure(name, figure(load), unit),
        }
    };
    row("", "req/s", Load::rate);
    row(", p50", "ms", Load::p50);
    row(", CPU", "ms/req", Load::cpu);
    row(", statements", "/req", Load::statements);
}
