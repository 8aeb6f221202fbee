//! The instances of one service, as the scenarios see them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use local_servers::port;
use rustix::process::Signal;
use tokio::net::TcpStream;

use crate::program::{Program, beside};

#[derive(Debug)]
pub(crate) struct Instances {
    all: Vec<Instance>,
}

#[derive(Debug)]
struct Instance {
    port: u16,
    program: Program,
    record: PathBuf,
}

impl Instances {
    /// So many, each a process that takes connections when this returns.
    pub(crate) async fn start(dir: &Path, count: usize) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for number in 0..count {
            let (port, record) = (port::free()?, dir.join(format!("instance-{number}.record")));
            all.push(Instance { port, program: program(port, &record)?, record });
        }
        for instance in &all {
            while TcpStream::connect(("127.0.0.1", instance.port)).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
        Ok(Self { all })
    }

    /// As the gateway's setting lists them.
    pub(crate) fn urls(&self) -> String {
        let urls = self.all.iter().map(|instance| format!("http://127.0.0.1:{}", instance.port));
        urls.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// Kills one at once, whatever it does.
    pub(crate) fn kill(&mut self, number: usize) -> anyhow::Result<()> {
        self.all[number].program.kill()
    }

    /// Starts one that was killed, where it was.
    pub(crate) fn start_again(&mut self, number: usize) -> anyhow::Result<()> {
        let instance = &mut self.all[number];
        instance.program = program(instance.port, &instance.record)?;
        Ok(())
    }

    pub(crate) fn signal(&self, number: usize, signal: Signal) -> anyhow::Result<()> {
        self.all[number].program.signal(signal)
    }

    /// How often each thing reached any of them as `what`: a method, or `half`.
    pub(crate) fn records(&self, what: &str) -> anyhow::Result<BTreeMap<u64, u32>> {
        let mut found = BTreeMap::new();
        for instance in &self.all {
            for line in std::fs::read_to_string(&instance.record)?.lines() {
                if let Some((kind, id)) = line.split_once(' ')
                    && kind == what
                {
                    *found.entry(id.parse()?).or_default() += 1;
                }
            }
        }
        Ok(found)
    }
}

fn program(port: u16, record: &Path) -> anyhow::Result<Program> {
    let mut command = beside("chaos")?;
    command.arg("--serve-at").arg(port.to_string()).arg("--record").arg(record);
    Program::start(&mut command, &record.with_extension("log"))
}
