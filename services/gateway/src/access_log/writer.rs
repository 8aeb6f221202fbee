use std::{
    fs::OpenOptions,
    io::{self, Write},
    mem::{swap, take},
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// How many bytes wait for their writer; lines that would be more are left out.
const WAITING: usize = 8 * 1024 * 1024;

/// So many are written at once, however young they are.
const ENOUGH: usize = 256 * 1024;

/// How long a line waits for others, so that not each wakes the writer.
const GATHERING: Duration = Duration::from_millis(50);

/// Where the lines go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccessLogTarget {
    /// Nowhere.
    Off,
    /// To the standard output, beside the log.
    #[default]
    Stdout,
    /// Behind what is in this file.
    File(PathBuf),
}

impl FromStr for AccessLogTarget {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "stdout" => Ok(Self::Stdout),
            "" => Err("off, stdout, or the path of a file is wanted"),
            path => Ok(Self::File(path.into())),
        }
    }
}

/// Takes lines, and writes them from a thread of its own.
#[derive(Clone, Debug)]
pub(super) struct Lines(Arc<Shared>);

/// Has all written when it is dropped.
#[derive(Debug)]
pub(crate) struct Writer {
    lines: Lines,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    text: Vec<u8>,
    left_out: u64,
    is_over: bool,
}

impl Lines {
    /// What writes to `target`; nothing, if it is off.
    ///
    /// # Errors
    /// When the file cannot be opened, or there is no thread for it.
    pub(super) fn open(target: &AccessLogTarget) -> io::Result<Option<(Self, Writer)>> {
        let to: Box<dyn Write + Send> = match target {
            AccessLogTarget::Off => return Ok(None),
            AccessLogTarget::Stdout => Box::new(io::stdout()),
            AccessLogTarget::File(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                let named = |why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", path.display()));
                Box::new(file.map_err(named)?)
            }
        };
        let lines = Self(Arc::default());
        let shared = Arc::clone(&lines.0);
        let thread = thread::Builder::new().name("access-log".to_owned()).spawn(move || shared.write(to))?;
        Ok(Some((lines.clone(), Writer { lines, thread: Some(thread) })))
    }

    /// Takes a line, with its end. It waits for nothing but whoever adds one at the same time.
    pub(super) fn add(&self, line: &[u8]) {
        let mut pending = self.0.pending();
        if pending.text.len() + line.len() > WAITING {
            pending.left_out += 1;
            return;
        }
        let before = pending.text.len();
        pending.text.extend_from_slice(line);
        let is_enough = before < ENOUGH && pending.text.len() >= ENOUGH;
        drop(pending);
        if before == 0 || is_enough {
            self.0.changed.notify_one();
        }
    }
}

impl Shared {
    /// Writes until the end.
    fn write(&self, mut to: impl Write) {
        let mut text = Vec::new();
        loop {
            let (left_out, is_over) = self.gather(&mut text);
            let written = to.write_all(&text).and_then(|()| to.flush());
            if let Err(why) = written {
                tracing::warn!(%why, "the access log cannot be written; lines are lost");
            }
            if left_out > 0 {
                tracing::warn!(left_out, "the access log is too slow; lines were left out");
            }
            text.clear();
            if is_over {
                return;
            }
        }
    }

    /// Waits for lines, and for a moment for more; how many were left out, and whether these
    /// are the last.
    fn gather(&self, text: &mut Vec<u8>) -> (u64, bool) {
        let some = |pending: &mut Pending| pending.text.is_empty() && !pending.is_over;
        let few = |pending: &mut Pending| pending.text.len() < ENOUGH && !pending.is_over;
        let pending = self.changed.wait_while(self.pending(), some).unwrap_or_else(PoisonError::into_inner);
        let gathered = self.changed.wait_timeout_while(pending, GATHERING, few);
        let (mut pending, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        swap(text, &mut pending.text);
        (take(&mut pending.left_out), pending.is_over)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.lines.0.pending().is_over = true;
        self.lines.0.changed.notify_one();
        // A writer that panicked has said so.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn all_lines_are_there_whole_when_the_writer_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log");
        let (lines, writer) = Lines::open(&AccessLogTarget::File(file.clone())).unwrap().unwrap();
        thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                let line = format!("{}\n", name.repeat(100));
                let lines = &lines;
                scope.spawn(move || (0..10_000).for_each(|_| lines.add(line.as_bytes())));
            }
        });
        drop(writer);
        let text = fs::read_to_string(&file).unwrap();
        for name in ["a", "b", "c"] {
            assert_eq!(text.lines().filter(|line| *line == name.repeat(100)).count(), 10_000);
        }
    }

    #[test]
    fn what_finds_no_room_is_left_out_and_counted() {
        let lines = Lines(Arc::default());
        let line = vec![b'x'; WAITING / 2];
        (0..5).for_each(|_| lines.add(&line));
        let pending = lines.0.pending();
        assert_eq!((pending.text.len(), pending.left_out), (WAITING, 3));
    }

    #[test]
    fn a_target_is_read_as_it_is_written() {
        assert_eq!("off".parse(), Ok(AccessLogTarget::Off));
        assert_eq!("/x/y".parse(), Ok(AccessLogTarget::File("/x/y".into())));
        assert!("".parse::<AccessLogTarget>().is_err());
    }
}
