use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    PasswordError,
    hash::{self, Checked, Memory},
    rules::NormalPassword,
};

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Threads that do nothing but hash, and a queue before them.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    queue: SyncSender<Job>,
    places: Arc<Semaphore>,
    working: Arc<Semaphore>,
}

/// How many have their turn, for each thread: one is hashed, while the others look up what
/// belongs to it, or note how it went.
const TURNS: usize = 3;

/// The right to have one password hashed after another: it is taken before anything is looked
/// up. Who is shed costs nothing else, and those who wait come to the database one by one
/// instead of all at once.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

impl Hasher {
    /// Starts `threads` threads; at most `waiting` places are given beside those that they
    /// work on. They end with the last clone of this value.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(threads: usize, waiting: usize) -> std::io::Result<Self> {
        let (places, turns) = (threads.max(1) + waiting, TURNS * threads.max(1));
        let (queue, jobs) = sync_channel::<Job>(turns);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads.max(1) {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("hasher-{number}")).spawn(move || {
                step_back();
                work(&jobs);
            })?;
        }
        let (places, working) = (Arc::new(Semaphore::new(places)), Arc::new(Semaphore::new(turns)));
        Ok(Self { queue, places, working })
    }

    /// A place, as soon as it is its turn; unless too many wait already.
    pub(crate) async fn place(&self) -> Result<Place, PasswordError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_full| PasswordError::Busy)?;
        let turn = Arc::clone(&self.working).acquire_owned().await;
        let turn = turn.map_err(|_closed| PasswordError::Failed("the hasher died".to_owned()))?;
        Ok(Place { _place: place, _turn: turn })
    }

    /// The PHC string of a password, for who has no place yet.
    pub(crate) async fn make(&self, password: NormalPassword) -> Result<String, PasswordError> {
        self.make_at(&self.place().await?, password).await
    }

    /// The PHC string of a password.
    pub(crate) async fn make_at(
        &self,
        place: &Place,
        password: NormalPassword,
    ) -> Result<String, PasswordError> {
        self.run(place, move |memory| hash::make(password.bytes(), memory)).await
    }

    /// Checks a password against a PHC string, or against none in the same time.
    pub(crate) async fn check(
        &self,
        place: &Place,
        password: NormalPassword,
        phc: Option<String>,
    ) -> Result<Checked, PasswordError> {
        self.run(place, move |memory| hash::check(password.bytes(), phc.as_deref(), memory)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        _place: &Place,
        work: impl FnOnce(&mut Memory) -> Result<T, String> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (reply, outcome) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // Whoever waited may have gone: then the work is not worth doing.
            if !reply.is_closed() {
                let _ = reply.send(work(memory));
            }
        });
        self.queue.try_send(job).map_err(|_full| PasswordError::Busy)?;
        let outcome = outcome.await.map_err(|_gone| PasswordError::Failed("the hasher died".to_owned()))?;
        outcome.map_err(PasswordError::Failed)
    }
}

/// Hashing takes all the cores that it gets: whoever else wants one has it at once. On Linux
/// that is a thread's policy (`SCHED_IDLE`, sched(7)), among those of its control group;
/// elsewhere all are equal, and a refusal of the system is tolerated for the same.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy::Normal,
            set_thread_priority_and_policy, thread_native_id,
        };
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, Normal(Idle));
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    let mut memory = Memory::default();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(&mut memory),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_lets_everybody_else_go_first() {
        use thread_priority::{
            NormalThreadSchedulePolicy::Idle, ThreadSchedulePolicy::Normal, thread_schedule_policy,
        };
        let hasher = Hasher::start(1, 1).unwrap();
        let place = hasher.place().await.unwrap();
        let policy = hasher.run(&place, |_| thread_schedule_policy().map_err(|why| format!("{why:?}"))).await;
        assert_eq!(policy.unwrap(), Normal(Idle));
        assert_ne!(thread_schedule_policy().unwrap(), Normal(Idle), "that thread alone");
    }

    #[tokio::test]
    async fn a_full_queue_sheds_and_recovers() {
        let hasher = Hasher::start(1, 1).unwrap();
        let password = || NormalPassword::from("a password");
        let (first, second) = (hasher.place().await.unwrap(), hasher.place().await.unwrap());
        assert!(matches!(hasher.place().await, Err(PasswordError::Busy)));
        assert!(matches!(hasher.make(password()).await, Err(PasswordError::Busy)));
        assert!(hasher.make_at(&first, password()).await.is_ok(), "who has a place is served");
        drop(first);
        assert!(hasher.make(password()).await.is_ok());
        drop(second);
    }

    #[tokio::test]
    async fn as_many_as_there_are_places_for_are_served_a_few_at_a_time() {
        let hasher = Hasher::start(2, 30).unwrap();
        let most = std::sync::atomic::AtomicUsize::new(0);
        let all = (0..40).map(|_| async {
            let place = hasher.place().await?;
            let turns = 2 * TURNS - hasher.working.available_permits();
            most.fetch_max(turns, std::sync::atomic::Ordering::Relaxed);
            hasher.check(&place, NormalPassword::from("a password"), None).await
        });
        let served = futures_util::future::join_all(all).await;
        assert_eq!(served.iter().filter(|outcome| outcome.is_ok()).count(), 32, "{served:?}");
        assert_eq!(most.into_inner(), 2 * TURNS, "so many come to the database at once");
    }
}
