//! Settings are read again at SIGHUP and when their file changes. Good ones take the place
//! of those in force in one step; of bad ones, nothing is ever in force.

mod error;
mod fixed;
mod metrics;
mod source;

pub use source::Source;

use std::{convert::Infallible, future::pending, io, time::Duration};

use observability::Metrics;
use service_kit::signals;
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};

use error::ReloadError;
use fixed::fixed_that_differ;
use metrics::Counted;
use source::Held;

use crate::{
    front::{Lasting, Live},
    settings::Settings,
};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How many may ask at once; others wait.
const ASKING: usize = 16;

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The new settings are in force.
    Applied,
    /// The new settings are bad; the old ones go on.
    Refused,
    /// Nothing is new.
    Unchanged,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Has a gateway read its settings again, as SIGHUP does.
#[derive(Clone, Debug)]
pub struct Reloader(mpsc::Sender<Asker>);

/// Who waits to hear how a reload ended.
type Asker = oneshot::Sender<Outcome>;

impl Reloader {
    /// Reads them again; `None` when the gateway runs no more.
    pub async fn reload(&self) -> Option<Outcome> {
        let (asker, outcome) = oneshot::channel();
        self.0.send(asker).await.ok()?;
        outcome.await.ok()
    }
}

/// Reads settings again and puts them in force, one reload after another.
#[derive(Debug)]
pub(crate) struct Reloads {
    settings: Settings,
    source: Option<Source>,
    lasting: Lasting,
    live: Live,
    counted: Counted,
    asked: (mpsc::Sender<Asker>, mpsc::Receiver<Asker>),
    /// Why the file was refused that is not in force. It is told once.
    refused: Option<String>,
}

impl Reloads {
    pub(crate) fn new(
        settings: Settings,
        lasting: Lasting,
        live: Live,
        metrics: &Metrics,
    ) -> Result<Self, prometheus::Error> {
        let (counted, asked) = (Counted::new(metrics)?, mpsc::channel(ASKING));
        Ok(Self { settings, source: None, lasting, live, counted, asked, refused: None })
    }

    pub(crate) fn follow(&mut self, source: Source) {
        self.source = Some(source);
    }

    pub(crate) fn reloader(&self) -> Reloader {
        Reloader(self.asked.0.clone())
    }

    /// Follows the source, if there is one.
    ///
    /// # Errors
    /// When SIGHUP cannot be watched.
    pub(crate) async fn keep_up(mut self) -> io::Result<Infallible> {
        let Some(mut source) = self.source.take() else { return pending().await };
        let mut hang_ups = signals::hang_ups()?;
        let mut seen = source.holds();
        loop {
            tokio::select! {
                _ = hang_ups.recv() => {
                    self.reload(&mut source).await;
                }
                Some(asker) = self.asked.1.recv() => {
                    // Tolerated: whoever asked does not wait for it.
                    let _ = asker.send(self.reload(&mut source).await);
                }
                () = sleep(LOOK) => self.look(&mut source, &mut seen).await,
            }
        }
    }

    /// Reads the settings because somebody asked for it.
    async fn reload(&mut self, source: &mut Source) -> Outcome {
        self.refused = None;
        let held = source.holds();
        if source.is_in_force(&held) {
            tracing::info!("the settings are as they were");
            self.counted.ended(Outcome::Unchanged);
            return Outcome::Unchanged;
        }
        self.apply(source, held).await
    }

    /// Reads the settings if their file is new, and stands as it stood at the last look: it
    /// may be written just now. What was refused is tried again, as the reason may be gone.
    async fn look(&mut self, source: &mut Source, seen: &mut Held) {
        let held = source.holds();
        let stands = *seen == held;
        seen.clone_from(&held);
        if !stands {
            return;
        }
        if !source.is_in_force(&held) {
            self.apply(source, held).await;
        } else if self.refused.take().is_some() {
            tracing::info!("the settings are as they were");
            self.counted.ended(Outcome::Unchanged);
        }
    }

    /// Puts what the source holds in force, all of it or nothing.
    async fn apply(&mut self, source: &mut Source, held: Held) -> Outcome {
        match self.exchange(source).await {
            Ok(()) => {
                source.set_in_force(held);
                self.refused = None;
                tracing::info!("new settings are in force");
                self.counted.ended(Outcome::Applied);
                Outcome::Applied
            }
            Err(why) => {
                let why = why.to_string();
                if self.refused.as_ref() != Some(&why) {
                    tracing::error!(why, "the new settings are refused; the old ones stay in force");
                    self.counted.ended(Outcome::Refused);
                }
                self.refused = Some(why);
                Outcome::Refused
            }
        }
    }

    async fn exchange(&mut self, source: &Source) -> Result<(), ReloadError> {
        let settings = source.settings()?;
        let fixed = fixed_that_differ(&self.settings, &settings);
        if !fixed.is_empty() {
            return Err(ReloadError::Fixed(fixed));
        }
        let before = self.live.front();
        let front = self.lasting.front(&settings, Some(&before)).await?;
        let unknown = self.lasting.nowhere(&front, &before);
        if !unknown.is_empty() {
            return Err(ReloadError::Nowhere(unknown));
        }
        self.live.swap(front);
        self.lasting.relocate(&settings.registry);
        self.settings = settings;
        Ok(())
    }
}
