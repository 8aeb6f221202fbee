//! The guide's programs, each in its language, as children of a test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use e2e::Plinth;
use local_servers::port;

/// One of them, until this value ends.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    process: Child,
}

impl Program {
    /// A child that answers at a port.
    pub(crate) fn new(name: &'static str, port: u16, process: Child) -> Self {
        Self { name, url: format!("http://127.0.0.1:{port}"), process }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Tolerated: it may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The guide's name.
const GUIDE: &str = "protect-your-own-service";

/// Where the guide's files are.
pub(crate) fn folder() -> PathBuf {
    guides().join(GUIDE)
}

/// Where the files of all guides are.
pub(crate) fn guides() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides")
}

/// All of them, for tokens of `plinth`, as soon as they answer.
pub(crate) async fn start_all(plinth: &Plinth) -> Vec<Program> {
    let (node, python) = tokio::join!(
        tokio::task::spawn_blocking(|| installed(GUIDE, "node", "package-lock.json")),
        tokio::task::spawn_blocking(|| installed(GUIDE, "python", "requirements.txt")),
    );
    let (node, python) = (node.unwrap(), python.unwrap());
    let rust = Command::new(env!("CARGO_BIN_EXE_protected-service"));
    let mut in_node = Command::new("node");
    in_node.arg(node.join("service.mjs"));
    let mut in_python = Command::new(python.join("venv/bin/python"));
    in_python.arg(python.join("service.py"));
    let mut programs = Vec::new();
    for (name, command) in [("Rust", rust), ("Node", in_node), ("Python", in_python)] {
        programs.push(start(name, command, plinth).await);
    }
    programs
}

async fn start(name: &'static str, mut command: Command, plinth: &Plinth) -> Program {
    let port = port::free().unwrap();
    let log = fs::File::create(plinth.state().join(format!("logs/{name}.log"))).unwrap();
    let process = command
        .args([plinth.url(), &port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
    until_answers(plinth, Program::new(name, port, process)).await
}

/// Waits until it does; what it says is in the log of its name.
pub(crate) async fn until_answers(plinth: &Plinth, program: Program) -> Program {
    for _ in 0..600 {
        if testing::http().get(&program.url).send().await.is_ok() {
            return program;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} does not answer: {}", program.name, plinth.log(program.name));
}

/// A copy of a guide's program below `target/`, with what `lock` names. It stays there, so that
/// only the first run installs; tests that run at once take turns.
pub(crate) fn installed(guide: &str, language: &str, lock: &str) -> PathBuf {
    let place = testing::bin_dir().join("../guides").join(guide).join(language);
    fs::create_dir_all(&place).unwrap();
    let turn = fs::File::create(place.join(".turn")).unwrap();
    turn.lock().unwrap();
    let from = guides().join(guide).join(language);
    let wanted = fs::read(from.join(lock)).unwrap();
    for entry in fs::read_dir(&from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), place.join(entry.file_name())).unwrap();
        }
    }
    if fs::read(place.join(".installed")).is_ok_and(|found| found == wanted) {
        return place;
    }
    let steps: &[&[&str]] = match language {
        "node" => &[&["npm", "ci", "--silent", "--no-audit", "--no-fund"]],
        _ => &[
            &["python3", "-m", "venv", "--clear", "venv"],
            &["venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt"],
        ],
    };
    for step in steps {
        let status = Command::new(step[0]).args(&step[1..]).current_dir(&place).status();
        assert!(status.is_ok_and(|status| status.success()), "{step:?}");
    }
    fs::write(place.join(".installed"), wanted).unwrap();
    place
}
