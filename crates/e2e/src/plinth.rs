use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use contract_auth::{Mail, MailKind};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use service_discovery::{Peer, PeerOptions};
use tempfile::TempDir;

/// A running Plinth; it is stopped with this value.
pub struct Plinth {
    dev: Running,
    dir: TempDir,
    url: String,
}

/// `plinth dev`; it is asked to end with this value, and waited for: nothing may outlive the test.
struct Running(Child);

impl Plinth {
    /// Starts everything and waits until it is ready.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, where accounts are deleted without a time of grace.
    pub async fn start_without_grace() -> Self {
        Self::start_with(&["--deletion-grace-days", "0"]).await
    }

    /// The same with these services alone, where a test is about them.
    pub async fn start_only(services: &str) -> Self {
        Self::start_with(&["--deletion-grace-days", "0", "--only", services]).await
    }

    /// Only PostgreSQL and Redis.
    pub(crate) async fn servers() -> Self {
        Self::start_with(&["--only"]).await
    }

    /// The programs of another release, which lie in `programs`.
    pub async fn start_of(programs: &Path) -> Self {
        Self::start_in(directory(), programs, &[]).await
    }

    /// This release in the place of the one that runs, on all that it has kept.
    pub async fn replaced_by_this_release(self) -> Self {
        let Self { dev, dir, .. } = self;
        drop(dev);
        Self::start_in(dir, &testing::bin_dir(), &[]).await
    }

    async fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(directory(), &testing::bin_dir(), arguments).await
    }

    #[expect(clippy::expect_used, reason = "a test without Plinth cannot go on")]
    async fn start_in(dir: TempDir, programs: &Path, arguments: &[&str]) -> Self {
        let output = File::create(dir.path().join("output")).expect("a file");
        let dev = Command::new(programs.join("plinth"))
            .args(["dev", "--no-build", "--port", "0", "--state-dir"])
            .arg(dir.path().join("state"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the file again"))
            .stderr(output)
            .spawn()
            .expect("the plinth command");
        let mut plinth = Self { dev: Running(dev), dir, url: String::new() };
        plinth.url = plinth.wait_until_ready().await;
        plinth
    }

    /// The gateway's URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The gateway, for the contracts' clients.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without Plinth cannot go on")]
    pub fn peer(&self) -> Peer {
        let options = PeerOptions { timeout: Duration::from_secs(30), ..PeerOptions::default() };
        Peer::new(&[self.url.parse().expect("a URL")], &options).expect("a peer")
    }

    /// `kill -9` of one process: a service's name, `postgres`, `redis` or `mailbox`.
    #[expect(clippy::expect_used, reason = "a fault that does not happen proves nothing")]
    pub fn kill(&self, name: &str) {
        let pid = self.pid(name).expect("it runs");
        kill_process(pid, Signal::KILL).expect("it can be killed");
    }

    /// The same as soon as it runs: it may not have come back from the last time.
    pub async fn kill_again(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.pid(name).is_none_or(|pid| kill_process(pid, Signal::KILL).is_err()) {
            assert!(Instant::now() < deadline, "{name} does not come back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills a part, and waits until another process stands in its place and every part is
    /// up. What the gateway said of it up to a second before it was killed counts for nothing.
    pub async fn kill_through(&self, name: &str) {
        let killed = self.pid(name);
        self.kill(name);
        self.replaced(name, killed).await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        self.recovered().await;
    }

    /// Waits until another process than `before` stands in the part's place.
    pub async fn replaced(&self, name: &str, before: Option<Pid>) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.pid(name).is_none_or(|pid| Some(pid) == before) {
            assert!(Instant::now() < deadline, "{name} does not come back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The mails to an address that the mailbox holds, the newest first.
    #[expect(clippy::expect_used, reason = "a test without a mailbox cannot go on")]
    pub async fn mails(&self, to: &str) -> Vec<Mail> {
        let endpoints = self.endpoints().expect("it is ready");
        let mailbox = endpoints["mailbox"]["url"].as_str().expect("a mailbox");
        let ask = testing::http().get(format!("{mailbox}/api/mails")).query(&[("to", to)]);
        let mut reply: Value = ask.send().await.expect("an answer").json().await.expect("JSON");
        serde_json::from_value(reply["data"].take()).expect("mails")
    }

    /// Waits for a mail of this kind to that address; gives the newest.
    pub async fn mail(&self, to: &str, kind: MailKind) -> Mail {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.mails(to).await.into_iter().find(|mail| mail.kind == kind);
            if let Some(mail) = found {
                return mail;
            }
            assert!(Instant::now() < deadline, "no {} to {to}", kind.name());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until every part is up.
    pub async fn recovered(&self) {
        let (deadline, http) = (Instant::now() + Duration::from_secs(60), testing::http());
        loop {
            let status = http.get(format!("{}/status", self.url)).send().await;
            if self.endpoints().is_some() && status.is_ok_and(|reply| reply.status() == 200) {
                return;
            }
            assert!(Instant::now() < deadline, "no recovery");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends a signal to one process.
    #[expect(clippy::expect_used, reason = "a fault that does not happen proves nothing")]
    pub fn signal(&self, name: &str, signal: Signal) {
        kill_process(self.pid(name).expect("it runs"), signal).expect("it can be signalled");
    }

    /// The process of a part, while all is up.
    #[must_use]
    pub fn pid(&self, name: &str) -> Option<Pid> {
        let endpoints = self.endpoints()?;
        let part = endpoints.get(name).or_else(|| endpoints["services"].get(name))?;
        Pid::from_raw(i32::try_from(part["pid"].as_i64()?).ok()?)
    }

    /// What `plinth dev` says about itself, as long as it is ready.
    #[must_use]
    pub fn endpoints(&self) -> Option<Value> {
        let text = fs::read(self.state().join("endpoints.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// A service's log.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.state().join(format!("logs/{name}.log"))).unwrap_or_default()
    }

    /// The secrets that this machine's services were given.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without Plinth cannot go on")]
    pub fn secrets(&self) -> Value {
        let text = fs::read(self.state().join("secrets.json")).expect("the secrets");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// Runs a command of `plinth` beside it.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without the command cannot go on")]
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(testing::bin_dir().join("plinth"));
        command.args(arguments).env("PLINTH_STATE_DIR", self.state()).output().expect("the plinth command")
    }

    /// Where its state is, for commands of `plinth`.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    async fn wait_until_ready(&mut self) -> String {
        let deadline = Instant::now() + Duration::from_secs(120);
        while Instant::now() < deadline {
            if let Some(url) =
                self.endpoints().and_then(|endpoints| Some(endpoints["url"].as_str()?.to_owned()))
            {
                return url;
            }
            let running = matches!(self.dev.0.try_wait(), Ok(None));
            assert!(running, "plinth dev ended: {}", self.output());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.never_ready()
    }

    #[expect(clippy::panic, reason = "a test without Plinth cannot go on")]
    fn never_ready(&self) -> ! {
        panic!("plinth dev is not ready: {}", self.output())
    }

    fn output(&self) -> String {
        fs::read_to_string(self.dir.path().join("output")).unwrap_or_default()
    }
}

/// PostgreSQL is another user if we are root, and must be able to enter.
#[expect(clippy::expect_used, reason = "a test without Plinth cannot go on")]
fn directory() -> TempDir {
    let dir = tempfile::Builder::new().prefix("plinth-e2e-").tempdir().expect("a directory");
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("an open directory");
    dir
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            // Tolerated: it may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.0.wait();
    }
}
