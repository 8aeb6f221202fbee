//! The connections of one worker in clear text and HTTP/1.1, which is how most services are
//! reached. hyper's own client keeps connections for all threads and runs each as a task of its
//! own; here a request drives its connection itself, and nobody is locked out or woken.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{Request, Response, client::conn::http1, header::HOST};

use super::{Arriving, IDLE, SendError, Ways, lease::Lease};
use crate::proxy::{balance::Instance, body::Upload, connect::dial};

/// How often unused connections are looked at: those that their service has closed go.
const LOOK: Duration = Duration::from_secs(5);

/// The most unused connections to one instance.
const MOST: usize = 1024;

/// Connections that are used again.
#[derive(Debug)]
pub(super) struct Kept {
    ways: Arc<Ways>,
    unused: Rc<Unused>,
}

/// Those that nobody uses at the moment, by their instances; the last used one is at the end.
#[derive(Debug, Default)]
pub(super) struct Unused(RefCell<Vec<Place>>);

#[derive(Debug)]
struct Place {
    instance: Arc<Instance>,
    leases: Vec<(Lease, Instant)>,
}

impl Kept {
    /// For the thread that it is called on.
    pub(super) fn new(ways: Arc<Ways>) -> Self {
        let unused = Rc::default();
        actix_web::rt::spawn(tidy(Rc::downgrade(&unused)));
        Self { ways, unused }
    }

    /// Sends `request` by a connection that is kept, or by a new one.
    pub(super) async fn request(
        &self,
        instance: &Arc<Instance>,
        mut request: Request<Upload>,
    ) -> Result<Response<Arriving>, SendError> {
        request.headers_mut().insert(HOST, instance.host.clone());
        // Only where it is, since what it is at is connected to (RFC 9112 section 3.2.1).
        let target = request.uri().path_and_query().cloned().map(Into::into);
        *request.uri_mut() = target.unwrap_or_default();
        while let Some(lease) = self.unused.take(instance) {
            match lease.send(request, self.home(instance)).await {
                // It had just been closed, and has taken nothing.
                Err(failed) => request = failed.unsent()?,
                Ok(answer) => return Ok(answer),
            }
        }
        // Boxed, so that whoever needs no new one carries no room for it.
        let lease = Box::pin(self.connect(instance)).await?;
        let answer = lease.send(request, self.home(instance)).await;
        answer.map_err(|failed| SendError::Exchange(failed.why))
    }

    fn home(&self, instance: &Arc<Instance>) -> Home {
        Home { unused: Rc::clone(&self.unused), instance: Arc::clone(instance) }
    }

    async fn connect(&self, instance: &Instance) -> Result<Lease, SendError> {
        let stream = dial(&self.ways, &instance.uri).await.map_err(SendError::Connect)?;
        let (sender, driver) = http1::handshake(stream).await.map_err(SendError::Exchange)?;
        Ok(Lease::new(sender, driver))
    }
}

/// Where a connection goes when it is not used any more.
#[derive(Debug)]
pub(super) struct Home {
    unused: Rc<Unused>,
    instance: Arc<Instance>,
}

impl Home {
    /// Keeps it, if another request can go by it.
    pub(super) fn take_back(&self, mut lease: Lease) {
        if lease.is_free() {
            self.unused.put(&self.instance, lease);
        }
    }
}

impl Unused {
    /// One that is open as far as is known.
    fn take(&self, instance: &Arc<Instance>) -> Option<Lease> {
        let mut places = self.0.borrow_mut();
        let place = places.iter_mut().find(|place| Arc::ptr_eq(&place.instance, instance))?;
        while let Some((mut lease, since)) = place.leases.pop() {
            if since.elapsed() < IDLE && lease.is_free() {
                return Some(lease);
            }
        }
        None
    }

    fn put(&self, instance: &Arc<Instance>, lease: Lease) {
        let mut places = self.0.borrow_mut();
        let lease = (lease, Instant::now());
        match places.iter_mut().find(|place| Arc::ptr_eq(&place.instance, instance)) {
            Some(place) if place.leases.len() < MOST => place.leases.push(lease),
            Some(_) => {}
            None => places.push(Place { instance: Arc::clone(instance), leases: vec![lease] }),
        }
    }

    /// Closes what is old, and what its service has closed.
    fn tidy(&self) {
        let mut places = self.0.borrow_mut();
        for place in places.iter_mut() {
            place.leases.retain_mut(|(lease, since)| since.elapsed() < IDLE && lease.is_free());
        }
        places.retain(|place| !place.leases.is_empty());
    }
}

async fn tidy(unused: Weak<Unused>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(unused) = unused.upgrade() else { return };
        unused.tidy();
    }
}
