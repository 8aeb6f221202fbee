use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant},
};

use ids::JobId;
use service_kit::db::Db;
use tokio::{
    sync::{Notify, mpsc},
    task::AbortHandle,
};
use uuid::Uuid;

use super::{Options, attempt};
use crate::{
    Handlers, JobMetrics,
    store::{Claimed, Ending, Finished},
};

/// What all parts of a worker look at. They share one thread, and nobody holds a borrow
/// over an `await`.
pub(super) struct Board {
    pub(super) db: Db,
    pub(super) handlers: Handlers,
    pub(super) options: Options,
    pub(super) metrics: Option<JobMetrics>,
    pub(super) name: String,
    /// Jobs that this worker holds, until the database knows how they ended.
    slots: RefCell<HashMap<JobId, Slot>>,
    /// How many handlers run.
    running: Cell<usize>,
    /// How many may begin at any moment, since somebody is claiming jobs for them.
    reserved: Cell<usize>,
    /// Somebody should look into the queue.
    pub(super) work: Notify,
    /// A handler has ended, or a job is over.
    pub(super) ended: Notify,
    /// Something is due that was not before.
    pub(super) schedule: Notify,
    endings: mpsc::UnboundedSender<Over>,
}

struct Slot {
    lease: Uuid,
    lane: Option<String>,
    /// When the database last confirmed the lease.
    confirmed: Instant,
    handler: Option<AbortHandle>,
}

/// An attempt that ended, on its way to the database.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) finished: Finished,
    pub(super) lane: Option<String>,
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
            work: Notify::new(),
            ended: Notify::new(),
            schedule: Notify::new(),
            endings,
        };
        (board, received)
    }

    /// How many more handlers may run.
    pub(super) fn room(&self) -> usize {
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

    /// Begins an attempt.
    pub(super) fn begin(self: &Rc<Self>, claimed: Claimed) {
        let (id, lease, lane) = (claimed.id, claimed.lease, claimed.lane.clone());
        self.running.set(self.running.get() + 1);
        let slot = Slot { lease, lane, confirmed: Instant::now(), handler: None };
        self.slots.borrow_mut().insert(id, slot);
        let handler = tokio::task::spawn_local(attempt::run(Rc::clone(self), claimed)).abort_handle();
        if let Some(slot) = self.slots.borrow_mut().get_mut(&id) {
            slot.handler = Some(handler);
        }
    }

    /// A handler ended by itself. `None`: the database knows, or it is not ours to say.
    pub(super) fn end(&self, id: JobId, ending: Option<Ending>) {
        self.running.set(self.running.get().saturating_sub(1));
        match ending {
            Some(ending) => self.tell(id, ending),
            None => {
                let slot = self.slots.borrow_mut().remove(&id);
                if slot.is_some_and(|slot| slot.lane.is_some()) {
                    // The next one of the lane is ready now.
                    self.work.notify_one();
                }
            }
        }
        self.ended.notify_one();
    }

    /// Ends a handler from outside; `None`: the job is somebody else's by now.
    pub(super) fn interrupt(&self, id: JobId, ending: Option<Ending>) {
        let handler = self.slots.borrow_mut().get_mut(&id).and_then(|slot| slot.handler.take());
        if let Some(handler) = handler.filter(|handler| !handler.is_finished()) {
            handler.abort();
            self.end(id, ending);
        }
    }

    fn tell(&self, id: JobId, ending: Ending) {
        let slot = self.slots.borrow().get(&id).map(|slot| (slot.lease, slot.lane.clone()));
        if let Some((lease, lane)) = slot {
            // Tolerated: without a receiver the worker is on its way out, and leases run out.
            let _ = self.endings.send(Over { finished: Finished { id, lease, ending }, lane });
        }
    }

    /// The database knows how these ended.
    pub(super) fn settled(&self, ids: impl Iterator<Item = JobId>) {
        let mut slots = self.slots.borrow_mut();
        ids.for_each(|id| drop(slots.remove(&id)));
        drop(slots);
        self.ended.notify_one();
    }

    /// The leases that were not confirmed for `age`: most jobs end before.
    pub(super) fn leases(&self, age: Duration) -> Vec<(JobId, Uuid)> {
        let slots = self.slots.borrow();
        let old = slots.iter().filter(|(_, slot)| slot.confirmed.elapsed() >= age);
        old.map(|(id, slot)| (*id, slot.lease)).collect()
    }

    /// The database confirmed a lease that was asked about at `asked`.
    pub(super) fn confirm(&self, id: JobId, asked: Instant) {
        if let Some(slot) = self.slots.borrow_mut().get_mut(&id) {
            slot.confirmed = asked;
        }
    }

    /// Those whose lease must have run out meanwhile.
    pub(super) fn overdue(&self) -> Vec<JobId> {
        let lease = self.options.lease;
        let slots = self.slots.borrow();
        slots.iter().filter(|(_, slot)| slot.confirmed.elapsed() > lease).map(|(id, _)| *id).collect()
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
        let left: Vec<JobId> = self.slots.borrow().keys().copied().collect();
        left.into_iter().for_each(|id| self.interrupt(id, Some(Ending::Released)));
        let patience = Instant::now() + Duration::from_secs(2);
        while !self.slots.borrow().is_empty() && Instant::now() < patience {
            // Tolerated: what the database could not be told runs out with its lease.
            let _ = tokio::time::timeout(Duration::from_millis(100), self.ended.notified()).await;
        }
    }
}
