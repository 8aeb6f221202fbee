//! What a person sees: steps with their times, and the services' lines between them.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::settings;

/// Width of the column of names.
const NAMES: usize = 8;
/// One each, in the order of the first lines (ANSI foreground colours).
const COLOURS: [u8; 6] = [36, 33, 35, 32, 34, 31];
const ERASE_LINE: &str = "\r\x1b[K";

/// The standard output, shared by all who write to it.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Whether a line can be overwritten.
    terminal: bool,
    colours: bool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The step that is going on, shown at the bottom of a terminal.
    pending: Option<String>,
    names: Vec<String>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let terminal = io::stdout().is_terminal();
        Self { terminal, colours: terminal && !settings::no_color(), inner: Mutex::default() }
    }

    /// Prints a sentence of our own.
    pub(crate) fn say(&self, text: &str) {
        self.print(&mut self.inner(), text);
    }

    /// Prints a line of a child, with its name before it.
    pub(crate) fn line(&self, name: &str, text: &str) {
        let mut inner = self.inner();
        let index = inner.index_of(name);
        let line = prefixed(name, text, self.colours.then(|| COLOURS[index % COLOURS.len()]));
        self.print(&mut inner, &line);
    }

    /// Does a step: shows that it goes on, and when it is done how long it took.
    pub(crate) async fn step<T, E>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        self.pend(Some(format!("  … {name}")));
        let result = work.await;
        self.pend(None);
        if result.is_ok() {
            self.say(&format!("  ✓ {name:<42} {:>6.1} s", began.elapsed().as_secs_f64()));
        }
        result
    }

    fn pend(&self, step: Option<String>) {
        let mut inner = self.inner();
        if self.terminal {
            inner.pending = step;
            write(&format!("{ERASE_LINE}{}", inner.pending.as_deref().unwrap_or_default()));
        }
    }

    fn print(&self, inner: &mut Inner, text: &str) {
        match &inner.pending {
            Some(step) => write(&format!("{ERASE_LINE}{text}\n{step}")),
            None => write(&format!("{text}\n")),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn index_of(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }
}

/// Nobody may read any more (`plinth dev | head`), which is no reason to stop.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn prefixed(name: &str, text: &str, colour: Option<u8>) -> String {
    match colour {
        Some(colour) => format!("\x1b[{colour}m{name:<NAMES$} │\x1b[0m {text}"),
        None => format!("{name:<NAMES$} │ {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_padded_and_coloured() {
        assert_eq!(prefixed("auth", "up", None), "auth     │ up");
        assert_eq!(prefixed("gateway", "up", Some(36)), "\x1b[36mgateway  │\x1b[0m up");
    }

    #[test]
    fn a_name_keeps_its_colour() {
        let mut inner = Inner::default();
        let indices: Vec<usize> = ["auth", "prefs", "auth"].iter().map(|name| inner.index_of(name)).collect();
        assert_eq!(indices, [0, 1, 0]);
    }
}
