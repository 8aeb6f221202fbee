//! Which tries a request is given: another instance where nothing was sent, and once
//! more where that is harmless.

use std::cell::Cell;

use futures_util::future::select_ok;
use hyper::{Response, header::RETRY_AFTER};
use tokio::time::timeout;

use super::{
    ProxyError,
    balance::{Chosen, Pool, Verdict},
    body::{Download, Upload},
    upstream::{Outgoing, Upstream},
};
use crate::{front::Front, settings::Limits};

type Answer = Result<Response<Download>, ProxyError>;

/// A request that is on its way.
struct Delivery<'a> {
    upstream: &'a Upstream,
    limits: &'a Limits,
    pool: &'a Pool,
    outgoing: &'a Outgoing,
    body: Upload,
    /// Whether it may be sent once more.
    may_repeat: Cell<bool>,
}

impl Upstream {
    /// The head of the answer.
    pub(super) async fn send(&self, front: &Front, outgoing: &Outgoing, body: Upload) -> Answer {
        let (service, limits) = (outgoing.service, &front.door.limits);
        let pool = front.balance.pool(service).ok_or(ProxyError::Nowhere(service))?;
        if !pool.admits() {
            return Err(ProxyError::Resting(service));
        }
        let is_harmless = outgoing.is_harmless() && body.is_empty();
        let may_repeat = Cell::new(is_harmless);
        let delivery = Delivery { upstream: self, limits, pool, outgoing, body, may_repeat };
        let answer = if delivery.body.is_empty() {
            let in_time = timeout(limits.total, delivery.run()).await;
            in_time.unwrap_or_else(|why| Err(ProxyError::Slow(service, why)))
        } else {
            // It is sent once, and how long that takes is for the client to say.
            delivery.run().await
        };
        if let Some(verdict) = Verdict::of(&answer) {
            pool.record(verdict);
        }
        match answer {
            // As nothing can have happened, trying again is safe.
            Err(ProxyError::Lost(service, why)) if is_harmless => Err(ProxyError::Down(service, why)),
            answer => answer,
        }
    }
}

impl Delivery<'_> {
    async fn run(&self) -> Answer {
        let mut tried = Vec::new();
        let mut next = self.pool.choose(&tried).ok_or(ProxyError::Nowhere(self.outgoing.service))?;
        loop {
            let answer = self.try_at(next, &mut tried).await;
            match self.after(&answer, &tried) {
                Some(chosen) => next = chosen,
                None => return answer,
            }
        }
    }

    /// A try; beside one that is slow there may be another, and the first answer counts.
    async fn try_at(&self, chosen: Chosen, tried: &mut Vec<usize>) -> Answer {
        let place = chosen.place;
        tried.push(place);
        let hedge = self.limits.hedge;
        let Some(patience) = hedge.filter(|_| self.may_repeat.get() && self.outgoing.may_race()) else {
            return self.attempt(chosen).await.map(|(_, answer)| answer);
        };
        let mut first = Box::pin(self.attempt(chosen));
        if let Ok(answer) = timeout(patience, &mut first).await {
            return answer.map(|(_, answer)| answer);
        }
        let Some(other) = self.pool.choose_again(tried) else {
            return first.await.map(|(_, answer)| answer);
        };
        self.may_repeat.set(false);
        tried.push(other.place);
        let ((winner, answer), _) = select_ok([first, Box::pin(self.attempt(other))]).await?;
        if winner != place {
            self.pool.outpaced(place);
        }
        Ok(answer)
    }

    /// The answer, and where it is from.
    async fn attempt(&self, chosen: Chosen) -> Result<(usize, Response<Download>), ProxyError> {
        let place = chosen.place;
        let answer = self.upstream.attempt(self.limits, self.pool, chosen, self.outgoing, &self.body).await;
        answer.map(|answer| (place, answer))
    }

    /// The instance for another try, if there is to be one.
    fn after(&self, answer: &Answer, tried: &[usize]) -> Option<Chosen> {
        match answer {
            // Nothing was sent, so any request may go elsewhere.
            Err(ProxyError::Down(..)) => self.pool.choose(tried),
            // It says that it has done nothing of it. What it was sent of a body is gone, though.
            Err(ProxyError::Unprocessed(..)) if self.body.is_empty() && tried.len() == 1 => {
                self.repeated(if self.pool.is_single() { &[] } else { tried })
            }
            _ if !self.may_repeat.get() || !is_worth_repeating(answer) => None,
            // A kept connection may just have been closed: the only instance gets another one.
            Err(ProxyError::Lost(..)) if self.pool.is_single() => self.repeated(&[]),
            _ => self.repeated(tried),
        }
    }

    fn repeated(&self, tried: &[usize]) -> Option<Chosen> {
        self.may_repeat.set(false);
        self.pool.choose_again(tried)
    }
}

/// Whether another instance may do better. One that asks for a pause gets it.
fn is_worth_repeating(answer: &Answer) -> bool {
    match answer {
        Ok(answer) => Verdict::of_answer(answer).is_failure() && !answer.headers().contains_key(RETRY_AFTER),
        Err(ProxyError::Lost(..) | ProxyError::Broken(..) | ProxyError::Slow(..)) => true,
        Err(_) => false,
    }
}
