use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant},
};

use ids::JobId;
use service_kit::db::Db;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::AbortHandle,
};
use uuid::Uuid;

use super::{Options, attempt, fetch::Part};
use crate::{
    Handlers, JobMetrics,
    effect::Boxed,
    store::{Claimed, Ending, Finished},
};

/// How many times as many attempts as may run are held until their ends are written.
const UNWRITTEN: usize = 4;

/// What all parts of a worker look at. They share one thread, and nobody holds a borrow
/// over an `await`.
pub(super) struct Board {
    pub(super) db: Db,
    pub(super) handlers: Handlers,
    pub(super) options: Options,
    pub(super) metrics: Option<JobMetrics>,
    pub(super) name: String,
    /// Attempts of this worker by their leases, until the database knows how they ended.
    slots: RefCell<HashMap<Lease, Slot>>,
    /// How many handlers run.
    running: Cell<usize>,
    /// How many may begin at any moment, since somebody is claiming jobs for them.
    reserved: Cell<usize>,
    /// Up to where each part of the queue was looked at.
    pub(super) looked: RefCell<HashMap<Part, i64>>,
    /// Whether the process is asked to end.
    stopping: watch::Sender<bool>,
    /// Somebody should look into the queue.
    pub(super) work: Notify,
    /// A handler has ended, or a job is over.
    pub(super) ended: Notify,
    /// Something is due that was not before.
    pub(super) schedule: Notify,
    endings: mpsc::UnboundedSender<Over>,
}

/// What an attempt holds: a job that this worker claims again has another.
pub(super) type Lease = Uuid;

/// What an attempt is at.
pub(super) struct Known {
    pub(super) id: JobId,
    pub(super) kind: String,
    pub(super) lane: Option<String>,
    pub(super) attempt: i32,
    pub(super) max_attempts: i32,
}

struct Slot {
    known: Rc<Known>,
    /// When the database last confirmed the lease.
    confirmed: Instant,
    handler: Option<AbortHandle>,
}

/// An attempt that ended, on its way to the database.
pub(super) struct Over {
    pub(super) known: Rc<Known>,
    pub(super) finished: Finished,
    /// What is written with its end.
    pub(super) effect: Option<Boxed>,
}

impl Board {
    pub(super) fn new(
        db: Db,
        handlers: Handlers,
        options: Options,
        metrics: Option<JobMetrics>,
        name: String,
    ) -> (Self, mpsc::UnboundedReceiver<Over>) {
        let (endings, received) = mpsc::unbounded_channel();
        let board = Self {
            db,
            handlers,
            options,
            metrics,
            name,
            slots: RefCell::default(),
            running: Cell::default(),
            reserved: Cell::default(),
            looked: RefCell::default(),
            stopping: watch::Sender::new(false),
            work: Notify::new(),
            ended: Notify::new(),
            schedule: Notify::new(),
            endings,
        };
        (board, received)
    }

    /// How many more handlers may run. None, while many ends are still to be written: what
    /// has ended and is not written would be done again after a crash.
    pub(super) fn room(&self) -> usize {
        if self.slots.borrow().len() >= UNWRITTEN * self.options.concurrency {
            return 0;
        }
        self.options.concurrency.saturating_sub(self.running.get() + self.reserved.get())
    }

    /// Keeps room for jobs that are being claimed.
    pub(super) fn reserve(&self, room: usize) {
        self.reserved.set(self.reserved.get() + room);
    }

    /// The claim is over.
    pub(super) fn unreserve(&self, room: usize) {
        self.reserved.set(self.reserved.get().saturating_sub(room));
        self.ended.notify_one();
    }

    /// Whether the process is asked to end.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// From now on nothing new is begun.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Rests for `span`, or until the process is asked to end.
    pub(super) async fn rest(&self, span: Duration) {
        let mut stopping = self.stopping.subscribe();
        // Tolerated: the time is up.
        let _ = tokio::time::timeout(span, stopping.wait_for(|stopping| *stopping)).await;
    }

    /// How many attempts run beyond what was asked for, because they were late.
    pub(super) fn excess(&self) -> usize {
        self.running.get().saturating_sub(self.options.concurrency)
    }

    /// Begins an attempt. One at the same job that still runs here has lost its lease.
    pub(super) fn begin(self: &Rc<Self>, claimed: Claimed) {
        let lease = claimed.lease;
        let known = Rc::new(Known {
            id: claimed.id,
            kind: claimed.kind.clone(),
            lane: claimed.lane.clone(),
            attempt: claimed.attempt,
            max_attempts: claimed.max_attempts,
        });
        self.of(known.id).into_iter().for_each(|old| self.interrupt(old, None));
        self.running.set(self.running.get() + 1);
        let slot = Slot { known: Rc::clone(&known), confirmed: Instant::now(), handler: None };
        self.slots.borrow_mut().insert(lease, slot);
        let handler = attempt::run(Rc::clone(self), known, claimed);
        let handler = tokio::task::spawn_local(handler).abort_handle();
        if let Some(slot) = self.slots.borrow_mut().get_mut(&lease) {
            slot.handler = Some(handler);
        }
    }

    /// A handler ended by itself. `None`: the database knows, or it is not ours to say.
    pub(super) fn end(&self, lease: Lease, ending: Option<Ending>, effect: Option<Boxed>) {
        self.running.set(self.running.get().saturating_sub(1));
        match ending {
            Some(ending) => self.tell(lease, ending, effect),
            None => {
                let slot = self.slots.borrow_mut().remove(&lease);
                if slot.is_some_and(|slot| slot.known.lane.is_some()) {
                    // The next one of the lane is ready now.
                    self.work.notify_one();
                }
            }
        }
        self.ended.notify_one();
    }

    /// Ends a handler from outside; `None`: the job is somebody else's by now.
    pub(super) fn interrupt(&self, lease: Lease, ending: Option<Ending>) {
        let handler = self.slots.borrow_mut().get_mut(&lease).and_then(|slot| slot.handler.take());
        if let Some(handler) = handler.filter(|handler| !handler.is_finished()) {
            handler.abort();
            self.end(lease, ending, None);
        }
    }

    /// Ends a job that somebody wants to end, if it runs here.
    pub(super) fn cancel(&self, id: JobId) {
        self.of(id).into_iter().for_each(|lease| self.interrupt(lease, Some(Ending::Cancelled)));
    }

    /// The attempts at a job.
    fn of(&self, id: JobId) -> Vec<Lease> {
        self.slots.borrow().iter().filter(|(_, slot)| slot.known.id == id).map(|(lease, _)| *lease).collect()
    }

    fn tell(&self, lease: Lease, ending: Ending, effect: Option<Boxed>) {
        let known = self.slots.borrow().get(&lease).map(|slot| Rc::clone(&slot.known));
        if let Some(known) = known {
            let is_kept = self.handlers.policy(&known.kind).is_kept;
            let finished = Finished { id: known.id, lease, ending, is_kept };
            // Tolerated: without a receiver the worker is on its way out, and leases run out.
            let _ = self.endings.send(Over { known, finished, effect });
        }
    }

    /// The database knows how these ended.
    pub(super) fn settled(&self, leases: impl Iterator<Item = Lease>) {
        let mut slots = self.slots.borrow_mut();
        leases.for_each(|lease| drop(slots.remove(&lease)));
        drop(slots);
        self.ended.notify_one();
    }

    /// The leases that were not confirmed for `age`: most jobs end before.
    pub(super) fn leases(&self, age: Duration) -> Vec<(JobId, Lease)> {
        let slots = self.slots.borrow();
        let old = slots.iter().filter(|(_, slot)| slot.confirmed.elapsed() >= age);
        old.map(|(lease, slot)| (slot.known.id, *lease)).collect()
    }

    /// The database confirmed a lease that was asked about at `asked`.
    pub(super) fn confirm(&self, lease: Lease, asked: Instant) {
        if let Some(slot) = self.slots.borrow_mut().get_mut(&lease) {
            slot.confirmed = asked;
        }
    }

    /// Those that must have run out meanwhile.
    pub(super) fn overdue(&self) -> Vec<Lease> {
        let length = self.options.lease;
        let slots = self.slots.borrow();
        slots.iter().filter(|(_, slot)| slot.confirmed.elapsed() > length).map(|(lease, _)| *lease).collect()
    }

    /// Lets what runs end within the grace, and gives the rest back.
    pub(super) async fn drain(&self) {
        let grace = tokio::time::sleep(self.options.grace);
        tokio::pin!(grace);
        while self.running.get() > 0 {
            tokio::select! {
                () = self.ended.notified() => {}
                () = &mut grace => break,
            }
        }
        let left: Vec<Lease> = self.slots.borrow().keys().copied().collect();
        left.into_iter().for_each(|lease| self.interrupt(lease, Some(Ending::Released)));
        let patience = Instant::now() + Duration::from_secs(2);
        while !self.slots.borrow().is_empty() && Instant::now() < patience {
            // Tolerated: what the database could not be told runs out with its lease.
            let _ = tokio::time::timeout(Duration::from_millis(100), self.ended.notified()).await;
        }
    }
}
