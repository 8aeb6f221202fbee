use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    rc::Rc,
};

use contract_events::{Envelope, Event};
use diesel_async::AsyncPgConnection;
use futures_util::future::LocalBoxFuture;
use jobs::Failure;
use service_discovery::Service;

use super::job::HandleEvent;

/// Which events of whom.
pub(super) type Wanted = BTreeSet<(Service, &'static str)>;

type Handler =
    Rc<dyn for<'a> Fn(&'a mut AsyncPgConnection, &'a Envelope) -> LocalBoxFuture<'a, Result<(), Failure>>>;

/// The events of others that a service wants, and what it does with each.
#[derive(Clone, Default)]
pub struct Subscriptions {
    handlers: BTreeMap<(Service, &'static str), Handler>,
}

impl Subscriptions {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has `handler` called with every event of type `E` of `publisher`.
    ///
    /// What it writes commits together with the fact that the event was handled: it
    /// happens once. It is not called with an event that is older than one of the same
    /// aggregate that was handled. Work outside of the database belongs into a job that
    /// it enqueues. A second handler of the same type takes the place of the first.
    #[must_use]
    pub fn on<E: Event>(
        mut self,
        publisher: Service,
        handler: impl AsyncFn(&mut AsyncPgConnection, E) -> Result<(), Failure> + 'static,
    ) -> Self {
        let handler = Rc::new(handler);
        let typed: Handler = Rc::new(move |conn, envelope| {
            let handler = Rc::clone(&handler);
            Box::pin(async move {
                let event = envelope.read::<E>().map_err(Failure::discard)?;
                handler(conn, event).await
            })
        });
        self.handlers.insert((publisher, E::TYPE), typed);
        self
    }

    /// The same with events of the type that is named, as they came: for whoever passes them on.
    #[must_use]
    pub fn on_type(
        mut self,
        publisher: Service,
        name: &'static str,
        handler: impl AsyncFn(&mut AsyncPgConnection, &Envelope) -> Result<(), Failure> + 'static,
    ) -> Self {
        let handler = Rc::new(handler);
        let untyped: Handler = Rc::new(move |conn, envelope| {
            let handler = Rc::clone(&handler);
            Box::pin(async move { handler(conn, envelope).await })
        });
        self.handlers.insert((publisher, name), untyped);
        self
    }

    /// Adds the job that handles events to what a worker can do.
    #[must_use]
    pub fn handled_by(&self, handlers: jobs::Handlers) -> jobs::Handlers {
        handlers.with::<HandleEvent>(self.clone())
    }

    pub(super) fn wanted(&self) -> Wanted {
        self.handlers.keys().copied().collect()
    }

    pub(super) async fn handle(
        &self,
        conn: &mut AsyncPgConnection,
        publisher: Service,
        event: &Envelope,
    ) -> Result<(), Failure> {
        let handler =
            self.handlers.iter().find(|((from, kind), _)| *from == publisher && *kind == event.kind);
        match handler {
            Some((_, handler)) => handler(conn, event).await,
            None => {
                Err(Failure::discard(format!("`{}` of {publisher} is not handled here any more", event.kind)))
            }
        }
    }
}

impl fmt::Debug for Subscriptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscriptions").field(&self.wanted()).finish()
    }
}
