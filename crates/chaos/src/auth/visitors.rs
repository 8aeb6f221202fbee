//! Who comes while auth is there, away, and back.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use anyhow::Context;
use contract_auth::{Secret, routes::ME};
use figures::report::{Report, Target};
use futures_util::future::{join_all, join4};
use tokio::time::{sleep, timeout};

use crate::{
    client::{Answer, Client, Port},
    thing::Thing,
    wire::Request,
};

/// Known keys: each comes about once a minute, at moments of its own; while auth is away more
/// often, so that none is missed that ends meanwhile.
pub(super) const KEYS: u32 = 12;
const EVERY: Duration = Duration::from_millis(59_900);
const WHILE_AWAY: Duration = Duration::from_secs(2);
const APART: Duration = Duration::from_secs(5);

/// One key more often, and the token; strangers less.
const BUSY: Duration = Duration::from_secs(1);
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(5);

/// How finely it is looked whether it is over.
const LOOK: Duration = Duration::from_millis(200);

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Before,
    Away,
    Back,
    Over,
}

pub(super) struct Visitors {
    to: Port,
    pub(super) phase: Cell<Phase>,
    /// A person's, which holds.
    pub(super) token: RefCell<Secret>,
    keys: Vec<Secret>,
    busy: Secret,
    /// A good key that no gateway knows.
    stranger: Secret,
    with_token: Tally,
    with_key: Tally,
    unknown: Tally,
    own_account: Tally,
    rubbish: Tally,
}

/// How many asked, and what those were told who should have been told something else.
#[derive(Debug, Default)]
struct Tally {
    asked: Cell<u32>,
    surprised: RefCell<Vec<String>>,
}

/// What somebody must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Thing,
    /// 503 with `Retry-After`.
    Later,
    /// 401.
    Never,
}

impl Visitors {
    pub(super) fn new(to: Port, token: Secret, mut keys: Vec<Secret>) -> anyhow::Result<Self> {
        let (stranger, busy) = (keys.pop().context("no key")?, keys.pop().context("no key")?);
        Ok(Self {
            to,
            phase: Cell::new(Phase::Before),
            token: RefCell::new(token),
            keys,
            busy,
            stranger,
            with_token: Tally::default(),
            with_key: Tally::default(),
            unknown: Tally::default(),
            own_account: Tally::default(),
            rubbish: Tally::default(),
        })
    }

    /// All of them, until it is over.
    pub(super) async fn come(&self) {
        let keys = (0_u32..).zip(&self.keys).map(|(number, key)| async move {
            sleep(APART * number).await;
            self.come_with(key, EVERY).await;
        });
        let keys = join_all(keys);
        join4(keys, self.come_with(&self.busy, BUSY), self.come_with_the_token(), self.come_as_strangers())
            .await;
    }

    async fn come_with(&self, key: &Secret, every: Duration) {
        let mut client = Client::new(&self.to);
        while self.phase.get() != Phase::Over {
            self.with_key.ask(&mut client, &thing(key), Wanted::Thing).await;
            self.wait(every).await;
        }
    }

    async fn come_with_the_token(&self) {
        let mut client = Client::new(&self.to);
        while self.phase.get() != Phase::Over {
            let request = thing(&self.token.borrow());
            self.with_token.ask(&mut client, &request, Wanted::Thing).await;
            self.wait(OFTEN).await;
        }
    }

    /// While auth is away.
    async fn come_as_strangers(&self) {
        let mut client = Client::new(&self.to);
        while self.phase.get() != Phase::Over {
            if self.phase.get() == Phase::Away {
                let me = with(Request::get(ME), &self.token.borrow());
                self.unknown.ask(&mut client, &thing(&self.stranger), Wanted::Later).await;
                self.own_account.ask(&mut client, &me, Wanted::Later).await;
                self.rubbish.ask(&mut client, &thing(&"a.b.c".into()), Wanted::Never).await;
            }
            self.wait(SELDOM).await;
        }
    }

    async fn wait(&self, time: Duration) {
        let began = Instant::now();
        while self.phase.get() != Phase::Over {
            let time = if self.phase.get() == Phase::Away { time.min(WHILE_AWAY) } else { time };
            let Some(left) = time.checked_sub(began.elapsed()) else { return };
            sleep(LOOK.min(left)).await;
        }
    }

    pub(super) async fn until_the_stranger_is_known(&self, seconds: f64) -> anyhow::Result<()> {
        let (mut client, began) = (Client::new(&self.to), Instant::now());
        loop {
            let tally = Tally::default();
            tally.ask(&mut client, &thing(&self.stranger), Wanted::Thing).await;
            match tally.surprised.take().pop() {
                None => return Ok(()),
                Some(why) if began.elapsed().as_secs_f64() > seconds => anyhow::bail!("a new key: {why}"),
                Some(_not_yet) => sleep(LOOK).await,
            }
        }
    }

    pub(super) fn tell(&self, report: &mut Report) {
        let all = [
            ("with a token that holds", "failed", &self.with_token),
            ("with a known API key", "failed", &self.with_key),
            ("with an unknown key while it is away", "not 503 with Retry-After", &self.unknown),
            ("for the own account while it is away", "not 503 with Retry-After", &self.own_account),
            ("with rubbish while it is away", "not 401", &self.rubbish),
        ];
        for (who, surprise, tally) in all {
            report.figure(format!("auth: requests {who}"), f64::from(tally.asked.get()), "");
            let surprised = tally.surprised.borrow();
            surprised.iter().take(5).for_each(|what| report.doing(&format!("{who}: {what}")));
            let name = format!("auth: … {surprise}");
            report.held(name, crate::count(surprised.len()), "", Target::AtMost(0.0));
        }
    }
}

impl Tally {
    async fn ask(&self, client: &mut Client, request: &Request, wanted: Wanted) {
        self.asked.set(self.asked.get() + 1);
        let surprise = match timeout(PATIENCE, client.send(request)).await {
            Ok(Ok(answer)) if wanted.is(&answer) => return,
            Ok(Ok(answer)) => format!("{} {}", answer.head.first, String::from_utf8_lossy(&answer.body)),
            Ok(Err(why)) => why.to_string(),
            Err(_elapsed) => format!("no answer within {PATIENCE:?}"),
        };
        self.surprised.borrow_mut().push(surprise);
    }
}

impl Wanted {
    fn is(self, answer: &Answer) -> bool {
        match self {
            Self::Thing => answer.status == 200 && Thing::small(0).is(&answer.body),
            Self::Later => answer.status == 503 && answer.head.header("retry-after").is_some(),
            Self::Never => answer.status == 401,
        }
    }
}

fn thing(credential: &Secret) -> Request {
    with(Thing::small(0).get(), credential)
}

fn with(request: Request, credential: &Secret) -> Request {
    request.with("authorization", &format!("Bearer {}", credential.expose()))
}
