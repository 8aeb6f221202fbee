use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use tokio::sync::oneshot;

use super::{
    PasswordError,
    hash::{self, Checked, Memory},
    rules::NormalPassword,
};

/// How much nicer than the rest of the process: a tenth of a core that both want.
#[cfg(target_os = "linux")]
const STEP_BACK: i32 = 10;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Threads that do nothing but hash, and a queue before them that is never long.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    queue: SyncSender<Job>,
}

impl Hasher {
    /// Starts `threads` threads; at most `waiting` passwords wait for one. They end
    /// with the last clone of this value.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(threads: usize, waiting: usize) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(waiting);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads.max(1) {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("hasher-{number}")).spawn(move || {
                step_back();
                work(&jobs);
            })?;
        }
        Ok(Self { queue })
    }

    /// The PHC string of a password.
    pub(crate) async fn make(&self, password: NormalPassword) -> Result<String, PasswordError> {
        self.run(move |memory| hash::make(password.bytes(), memory)).await
    }

    /// Checks a password against a PHC string, or against none in the same time.
    pub(crate) async fn check(
        &self,
        password: NormalPassword,
        phc: Option<String>,
    ) -> Result<Checked, PasswordError> {
        self.run(move |memory| hash::check(password.bytes(), phc.as_deref(), memory)).await
    }

    async fn run<T: Send + 'static>(
        &self,
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

/// Hashing takes all the cores that it gets: whoever else wants one goes first. On Linux
/// niceness is a thread's own (setpriority(2)); elsewhere all are equal, and a refusal of
/// the system is tolerated for the same.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        let own = Some(rustix::thread::gettid());
        if let Ok(niceness) = rustix::process::getpriority_process(own) {
            let _ = rustix::process::setpriority_process(own, niceness + STEP_BACK);
        }
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
    use std::sync::mpsc::channel;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_lets_everybody_else_go_first() {
        use rustix::{process::getpriority_process, thread::gettid};
        let hasher = Hasher::start(1, 1).unwrap();
        let niceness = hasher.run(|_| getpriority_process(Some(gettid())).map_err(|why| why.to_string()));
        let own = getpriority_process(Some(gettid())).unwrap();
        assert_eq!(niceness.await.unwrap(), (own + STEP_BACK).min(19));
    }

    #[tokio::test]
    async fn a_full_queue_sheds_and_recovers() {
        let hasher = Hasher::start(1, 1).unwrap();
        let (release, gate) = channel::<()>();
        let blocking: Job = Box::new(move |_| gate.recv().unwrap());
        hasher.queue.send(blocking).unwrap();
        let password = || NormalPassword::from("a password");
        let waiting = tokio::spawn({
            let hasher = hasher.clone();
            async move { hasher.make(password()).await }
        });
        let shed = loop {
            tokio::task::yield_now().await;
            let attempt =
                tokio::time::timeout(std::time::Duration::from_millis(50), hasher.make(password())).await;
            if let Ok(Err(error)) = attempt {
                break error;
            }
        };
        assert!(matches!(shed, PasswordError::Busy), "{shed:?}");
        release.send(()).unwrap();
        let _ = waiting.await.unwrap();
        loop {
            if hasher.make(password()).await.is_ok() {
                break;
            }
        }
    }
}
