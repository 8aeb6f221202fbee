//! Clients that go on while the gateway is replaced.

use std::{
    cell::{Cell, Ref, RefCell},
    net::Ipv4Addr,
    time::Duration,
};

use anyhow::Context;
use figures::report::{Report, Target};
use futures_util::{
    SinkExt, StreamExt,
    future::{join, join_all, join3},
};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::{
    client::{Client, Port, connect, exchange},
    gateway::ORIGIN,
    thing::{EVENTS, SOCKET, Thing},
    wire::Request,
};

/// Of each kind.
const QUICK: u64 = 56;
const LEISURELY: u64 = 4;
const LONG: u64 = 4;
const STREAMS: usize = 4;

/// A request of the long ones is under way when the old gateway stops to take others.
const THINKS: Duration = Duration::from_secs(3);

/// A stream that says nothing for so long is dead.
const SILENCE: Duration = Duration::from_secs(5);

/// All of them, and what they saw.
#[derive(Debug, Default)]
pub(super) struct Clients {
    requests: Cell<u32>,
    opened: Cell<u32>,
    errors: RefCell<Vec<String>>,
}

impl Clients {
    /// Until it is over.
    pub(super) async fn run(&self, to: &Port, is_over: &Cell<bool>) {
        let (quick, leisurely) = (Duration::from_millis(60), Duration::from_millis(1500));
        let quick = join_all((0..QUICK).map(|number| self.ask(number, to, quick, Duration::ZERO, is_over)));
        let rest = QUICK..QUICK + LEISURELY;
        let leisurely = join_all(rest.map(|number| self.ask(number, to, leisurely, Duration::ZERO, is_over)));
        let long = QUICK + LEISURELY..QUICK + LEISURELY + LONG;
        let long = join_all(long.map(|number| self.ask(number, to, Duration::ZERO, THINKS, is_over)));
        let events = join_all((0..STREAMS).map(|_| self.keep("events", to, is_over)));
        let sockets = join_all((0..STREAMS).map(|_| self.keep("socket", to, is_over)));
        join(join3(quick, leisurely, long), join(events, sockets)).await;
    }

    pub(super) fn errors(&self) -> Ref<'_, Vec<String>> {
        self.errors.borrow()
    }

    pub(super) fn tell(&self, report: &mut Report) {
        let errors = |kind: &str| {
            let of = self.errors.borrow().iter().filter(|error| error.starts_with(kind)).count();
            crate::count(of)
        };
        let none = Target::AtMost(0.0);
        report.figure("rolling: requests of 64 clients", f64::from(self.requests.get()), "");
        report.held("rolling: requests that failed", errors("request"), "", none);
        report.figure("rolling: streams opened", f64::from(self.opened.get()), "");
        report.held("rolling: event streams that ended without an end", errors("events"), "", none);
        report.held("rolling: WebSockets that ended without a close frame", errors("socket"), "", none);
    }

    /// GETs and POSTs in turn, with a pause of up to `pause` between them.
    async fn ask(&self, number: u64, to: &Port, pause: Duration, delay: Duration, is_over: &Cell<bool>) {
        let mut client = Client::new(to);
        let mut id = number * 1_000_000;
        while !is_over.get() {
            id += 1;
            let thing = Thing { delay, ..Thing::of(id, 119 + (id % 8) * 2_000) };
            let request = if id.is_multiple_of(2) { thing.get() } else { thing.post() };
            self.requests.set(self.requests.get() + 1);
            let failed = match client.send(&request).await {
                Ok(answer) if answer.status == 200 && thing.is(&answer.body) => None,
                Ok(answer) => Some(format!("{}, {} bytes", answer.status, answer.body.len())),
                Err(why) => Some(why.to_string()),
            };
            if let Some(why) = failed {
                self.errors.borrow_mut().push(format!("request {} {id}: {why}", request.method));
            }
            sleep(pause.mul_f64(fastrand::f64())).await;
        }
    }

    /// Opens a stream anew whenever it has ended as it should.
    async fn keep(&self, kind: &str, to: &Port, is_over: &Cell<bool>) {
        while !is_over.get() {
            self.opened.set(self.opened.get() + 1);
            let followed = match kind {
                "events" => events(to.get(), is_over).await,
                _ => socket(to.get(), is_over).await,
            };
            if let Err(why) = followed {
                self.errors.borrow_mut().push(format!("{kind}: {why:#}"));
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Reads events to the proper end of their stream.
async fn events(port: u16, is_over: &Cell<bool>) -> anyhow::Result<()> {
    let mut wire = connect(Ipv4Addr::LOCALHOST, port).await.context("no connection")?;
    let head = exchange(&mut wire, &Request::get(EVENTS)).await.context("no answer")?;
    anyhow::ensure!(head.word(1) == "200", "{}", head.first);
    while !is_over.get() {
        let chunk = timeout(SILENCE, wire.chunk()).await.context("silence")?;
        if chunk.context("the stream was cut")?.is_none() {
            break;
        }
    }
    Ok(())
}

/// Says something, and hears it, until the other side closes.
async fn socket(port: u16, is_over: &Cell<bool>) -> anyhow::Result<()> {
    let wire = connect(Ipv4Addr::LOCALHOST, port).await.context("no connection")?;
    let mut request = format!("ws://chaos{SOCKET}").into_client_request()?;
    request.headers_mut().insert("origin", ORIGIN.parse()?);
    let (mut socket, _) = client_async(request, wire.stream).await.context("not opened")?;
    while !is_over.get() {
        // Tolerated: whether it was closed is what is read next.
        let _ = socket.send(Message::text("hello")).await;
        let heard = timeout(SILENCE, socket.next()).await.context("silence")?;
        match heard.context("no close frame")?.context("cut")? {
            Message::Close(_) => return Ok(()),
            Message::Text(text) if text.as_str() == "hello" => {}
            other => anyhow::bail!("{other:?}"),
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
