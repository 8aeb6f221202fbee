use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::AttemptError;

/// How many attempts at one account are judged at once: fewer than it has free failures, so
/// that people who log in with the right password on many devices at once lock nobody out.
const AT_ONCE: usize = 3;

/// How many more wait for their turn before others are shed, as from the hasher's queue.
const WAITING: usize = 64;

/// The turns of attempts at the same account in this process. Accounts share a fixed number
/// of queues: to share one costs a wait, and nothing grows.
#[derive(Debug)]
pub(super) struct Turns {
    queues: Vec<Queue>,
}

#[derive(Debug)]
struct Queue {
    turns: Semaphore,
    waiting: AtomicUsize,
}

impl Turns {
    pub(super) fn new() -> Self {
        let queue = || Queue { turns: Semaphore::new(AT_ONCE), waiting: AtomicUsize::new(0) };
        Self { queues: (0..1024).map(|_| queue()).collect() }
    }

    /// Waits for a turn with the account of this key; it lasts as long as what is given.
    pub(super) async fn take(&self, key: &[u8]) -> Result<SemaphorePermit<'_>, AttemptError> {
        let number = key.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        let queue = self.queues.get(number % self.queues.len().max(1)).ok_or(AttemptError::Busy)?;
        let place = Place(&queue.waiting);
        if queue.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            return Err(AttemptError::Busy);
        }
        let turn = queue.turns.acquire().await;
        drop(place);
        turn.map_err(|_closed| AttemptError::Busy)
    }
}

/// A place in a queue, which whoever leaves gives back, also one who gives up.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    #[tokio::test]
    async fn a_few_go_some_wait_and_the_rest_are_shed() {
        let turns = Turns::new();
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            held.push(turns.take(b"ada").await.unwrap());
        }
        assert!(turns.take(b"eve").await.is_ok(), "others have their own");
        let many = join_all((0..WAITING + 5).map(|_| async { turns.take(b"ada").await.is_ok() }));
        let let_go = async { held.clear() };
        let (outcomes, ()) = futures_util::future::join(many, let_go).await;
        assert_eq!(outcomes.iter().filter(|got| **got).count(), WAITING);
        assert!(turns.take(b"ada").await.is_ok(), "whoever left gave back their place");
    }
}
