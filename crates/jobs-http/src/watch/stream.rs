use std::{convert::Infallible, rc::Rc, time::Duration};

use bytes::Bytes;
use contract_jobs::Job;
use futures_util::{Stream, future::BoxFuture, stream};
use identity::End;
use jobs::Stored;
use tokio::{
    sync::{SemaphorePermit, watch::Receiver},
    time::sleep,
};

/// How long a connection may be silent; proxies close those that are for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a stream begins with: how soon to come back when it breaks, milliseconds.
const OPENING: &[u8] = b"retry: 1000\n\n";

/// One client that watches one job.
pub(super) struct Watch {
    news: Receiver<Rc<Stored>>,
    /// The last event that the client has.
    seen: Option<i64>,
    credential: BoxFuture<'static, End>,
    _place: SemaphorePermit<'static>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Opening,
    Telling,
    /// The job is over and that was told.
    Told,
}

impl Watch {
    pub(super) fn new(
        news: Receiver<Rc<Stored>>,
        seen: Option<i64>,
        credential: BoxFuture<'static, End>,
        place: SemaphorePermit<'static>,
    ) -> Self {
        Self { news, seen, credential, _place: place, stage: Stage::Opening }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, async |mut watch| {
            let next = watch.next().await?;
            Some((Ok(next), watch))
        })
    }

    /// What is sent next; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        match self.stage {
            Stage::Told => return None,
            Stage::Opening => {
                self.stage = Stage::Telling;
                return Some(Bytes::from_static(OPENING));
            }
            Stage::Telling => {}
        }
        loop {
            if let Some(event) = self.event() {
                return Some(event);
            }
            tokio::select! {
                biased;
                _ended = &mut self.credential => return None,
                changed = self.news.changed() => changed.ok()?,
                () = sleep(HEARTBEAT) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }

    /// The job as it stands, if the client has not seen that.
    fn event(&mut self) -> Option<Bytes> {
        let stored = Rc::clone(&self.news.borrow_and_update());
        if self.seen.is_some_and(|seen| stored.progress_seq <= seen) {
            return None;
        }
        let job = Job::from(&*stored);
        let name = if job.state.is_over() { "end" } else { "progress" };
        let data = serde_json::to_string(&job).ok()?;
        self.seen = Some(stored.progress_seq);
        if job.state.is_over() {
            self.stage = Stage::Told;
        }
        Some(format!("id: {}\nevent: {name}\ndata: {data}\n\n", stored.progress_seq).into())
    }
}
