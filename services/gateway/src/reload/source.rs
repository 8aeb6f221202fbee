use std::{
    fs, io,
    path::{Path, PathBuf},
};

use service_kit::settings::Faults;

use crate::Settings;

/// Where settings come from, and come from again.
pub struct Source {
    file: Option<PathBuf>,
    read: Box<Read>,
    /// What the file held when the settings in force were read.
    held: Held,
}

/// Makes settings of a file.
type Read = dyn Fn(Option<&Path>) -> Result<Settings, Faults>;

/// What a file holds, or why it cannot be read; `None` without a file.
pub(super) type Held = Option<Result<Vec<u8>, io::ErrorKind>>;

impl Source {
    /// The environment of the process and, if there is one, the TOML `file`.
    #[must_use]
    pub fn new(file: Option<PathBuf>) -> Self {
        Self::read_by(file, Settings::load)
    }

    /// Whatever `read` makes of the `file`.
    pub fn read_by(
        file: Option<PathBuf>,
        read: impl Fn(Option<&Path>) -> Result<Settings, Faults> + 'static,
    ) -> Self {
        let mut source = Self { file, read: Box::new(read), held: None };
        // Before the settings are: what is written meanwhile is then found to be new.
        source.held = source.holds();
        source
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn settings(&self) -> Result<Settings, Faults> {
        (self.read)(self.file.as_deref())
    }

    /// What the file holds now. The contents are looked at, as a mounted ConfigMap changes
    /// by links, and dates say little.
    pub(super) fn holds(&self) -> Held {
        self.file.as_ref().map(|file| fs::read(file).map_err(|why| why.kind()))
    }

    /// Whether this is what the settings in force were read from.
    pub(super) fn is_in_force(&self, held: &Held) -> bool {
        self.held == *held
    }

    pub(super) fn set_in_force(&mut self, held: Held) {
        self.held = held;
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}
