//! Requests that come at fixed times, whether those before were answered or not: only so does a
//! percentile say what clients wait.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use figures::spread::Spread;
use futures_util::future::join_all;

use crate::{
    client::{Answer, Client, Fault, Port},
    thing::Thing,
};

/// How late a timer may be without that being the gateway's fault.
const TIMER: Duration = Duration::from_millis(3);

/// How often requests come, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) port: u16,
    /// A connection is kept from each.
    pub(crate) from: Vec<Ipv4Addr>,
    /// All together.
    pub(crate) a_second: u32,
}

/// One request, and how it went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// After the beginning.
    pub(crate) at: Duration,
    pub(crate) took: Duration,
    /// Whether it brought the whole thing.
    pub(crate) is_good: bool,
    /// 0 if there was no answer.
    pub(crate) status: u16,
}

impl Load {
    /// The same as [`Load::run`] on a thread of its own, which nothing else keeps from looking at
    /// the clock.
    pub(crate) async fn run_apart(&self, span: Duration) -> anyhow::Result<Vec<Sample>> {
        let load = self.clone();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            anyhow::Ok(runtime.block_on(load.run(span)))
        };
        tokio::task::spawn_blocking(run).await?
    }

    /// GETs of small things for as long as that.
    pub(crate) async fn run(&self, span: Duration) -> Vec<Sample> {
        let began = Instant::now();
        let clients = (0_u32..).zip(&self.from).map(|(number, from)| self.client(number, *from, began, span));
        join_all(clients).await.concat()
    }

    async fn client(&self, number: u32, from: Ipv4Addr, began: Instant, span: Duration) -> Vec<Sample> {
        let every = Duration::from_secs(1) / self.a_second;
        let Ok(clients) = u32::try_from(self.from.len()) else { return Vec::new() };
        let (mut client, mut samples) = (Client::at(from, &Port::new(self.port.into())), Vec::new());
        for turn in 0.. {
            let due = every * (turn * clients + number);
            if due >= span {
                break;
            }
            tokio::time::sleep_until((began + due).into()).await;
            let late = began.elapsed().saturating_sub(due);
            let asked = if late > TIMER { began + due } else { Instant::now() };
            let thing = Thing::small(u64::from(turn * clients + number));
            let answer = client.send(&thing.get()).await;
            samples.push(Sample::of(due, asked.elapsed(), thing, &answer));
        }
        samples
    }
}

impl Sample {
    fn of(at: Duration, took: Duration, thing: Thing, answer: &Result<Answer, Fault>) -> Self {
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let is_good = status == 200 && answer.as_ref().is_ok_and(|answer| thing.is(&answer.body));
        Self { at, took, is_good, status }
    }
}

/// How long those took.
pub(crate) fn spread<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Spread {
    Spread::of(samples.into_iter().map(|sample| sample.took).collect())
}
