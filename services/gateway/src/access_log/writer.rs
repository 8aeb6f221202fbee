use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use actix_web::dev::ServiceRequest;
use ipnet::IpNet;
use serde::Serialize;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

use super::Line;
use crate::proxy::headers::client_address;

/// How many lines wait for their writer; of more, some are left out.
const WAITING: usize = 16_384;

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

/// Writes lines beside the requests that they are about.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog {
    lines: NonBlocking,
    trusted_proxies: Vec<IpNet>,
}

#[derive(Serialize)]
struct Timed<'a> {
    #[serde(flatten)]
    line: &'a Line,
    duration_ms: f64,
}

impl AccessLog {
    /// What writes to `target`, and what has all written when it is dropped; neither, if it
    /// is off.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open(
        target: &AccessLogTarget,
        trusted_proxies: &[IpNet],
    ) -> io::Result<Option<(Self, WorkerGuard)>> {
        let writing = NonBlockingBuilder::default().buffered_lines_limit(WAITING).lossy(true);
        let writing = writing.thread_name("access-log");
        let (lines, guard) = match target {
            AccessLogTarget::Off => return Ok(None),
            AccessLogTarget::Stdout => writing.finish(io::stdout()),
            AccessLogTarget::File(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                let named = |why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", path.display()));
                writing.finish(file.map_err(named)?)
            }
        };
        Ok(Some((Self { lines, trusted_proxies: trusted_proxies.to_vec() }, guard)))
    }

    /// The address that a request comes from.
    pub(super) fn client(&self, request: &ServiceRequest) -> String {
        let peer = request.peer_addr().map(|address| address.ip());
        client_address(request.headers(), peer, &self.trusted_proxies).to_string()
    }

    pub(super) fn write(&self, line: &Line, took: Duration) -> io::Result<()> {
        // Microseconds are enough, and more would be twenty digits.
        let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
        let mut text = serde_json::to_vec(&Timed { line, duration_ms })?;
        text.push(b'\n');
        self.lines.clone().write_all(&text)
    }
}
