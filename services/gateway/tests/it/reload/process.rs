//! The program itself, as an operator has it.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use local_servers::process::{Process, Signal};
use serde_json::Value;

use super::configured::{all, key};
use crate::{
    auth::Auth,
    instance::{Instance, PATH},
    spawn::CLIENT_SECRET,
};

/// A process and its log. It is killed when it is dropped.
struct Running {
    child: Child,
    log: Receiver<Value>,
}

impl Running {
    fn start(file: &Path, auth: &Auth) -> Self {
        let mut command = Command::new(testing::bin_dir().join("gateway"));
        let (keys, redis) = (key(9), testing::redis_url());
        // A group of its own: signals go to groups.
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::null());
        command.env_clear().arg("--config").arg(file).envs([
            ("PLINTH_ENV", "development"),
            ("AUTH_INTERNAL_URL", auth.url.as_str()),
            ("GATEWAY__HTTP__BIND", "127.0.0.1:0"),
            ("GATEWAY__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
            ("GATEWAY__TOKEN__KEYS", &keys),
            ("GATEWAY__CLIENT__SECRET", CLIENT_SECRET),
            ("GATEWAY__REDIS__URL", &redis),
            ("GATEWAY__ACCESS_LOG", "off"),
            ("GATEWAY__LOG__FORMAT", "json"),
            ("GATEWAY__LIMITS__ENFORCED", "false"),
        ]);
        let mut child = command.spawn().unwrap();
        let (lines, output) = (channel(), child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nobody may listen any more.
                let _ = lines.0.send(serde_json::from_str(&line).unwrap_or_default());
            }
        });
        Self { child, log: lines.1 }
    }

    /// The next line of the log with these words.
    fn told(&self, words: &str) -> Value {
        loop {
            let line = self.log.recv_timeout(Duration::from_secs(30));
            let line = line.unwrap_or_else(|_| panic!("never: {words}"));
            if line.to_string().contains(words) {
                return line;
            }
        }
    }

    fn hang_up(&self) {
        Process::find(self.child.id()).unwrap().signal(Signal::HUP).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn get(address: &str) -> u16 {
    let answer = testing::http().get(format!("http://{address}{PATH}")).send().await;
    answer.unwrap().status().as_u16()
}

#[actix_web::test]
async fn at_sighup_the_program_reads_its_file_again_and_names_every_fault() {
    let (auth, old, new) = (Auth::start(), Instance::start(), Instance::start());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plinth.toml");
    fs::write(&file, all(&[&old])).unwrap();
    let gateway = Running::start(&file, &auth);
    let serving = gateway.told("serving");
    let address = serving["public"].as_str().unwrap().to_owned();
    testing::until_ready(&format!("http://{address}")).await;
    assert_eq!((get(&address).await, old.count()), (200, 1));

    gateway.hang_up();
    gateway.told("as they were");
    fs::write(&file, all(&[&new])).unwrap();
    gateway.hang_up();
    gateway.told("new settings are in force");
    assert_eq!((get(&address).await, old.count(), new.count()), (200, 1, 1));

    fs::write(&file, format!("{}[gateway]\nmax_body_bytes = \"hunter2\"\ntimeout = 1\n", all(&[&old])))
        .unwrap();
    gateway.hang_up();
    let refused = gateway.told("refused").to_string();
    assert!(refused.contains("GATEWAY__MAX_BODY_BYTES") && refused.contains("GATEWAY__TIMEOUT"), "{refused}");
    assert_eq!((get(&address).await, old.count(), new.count()), (200, 1, 2));
}
