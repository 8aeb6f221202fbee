//! wrk, and what it prints.

use std::process::Command;

use anyhow::Context;

/// What a run gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    /// In all.
    pub(super) requests: f64,
    /// Requests a second.
    pub(super) rate: f64,
    /// Milliseconds.
    pub(super) p99: f64,
}

/// Asks for `url` on so many connections; every answer must be a good one.
pub(super) async fn run(
    url: String,
    connections: u32,
    seconds: u32,
    token: Option<String>,
) -> anyhow::Result<Figures> {
    let threads = connections.min(2);
    let mut command = Command::new("wrk");
    command.args(["--latency", "-t", &threads.to_string(), "-c", &connections.to_string()]);
    command.args(["-d", &format!("{seconds}s")]);
    if let Some(token) = token {
        command.args(["-H", &format!("Authorization: Bearer {token}")]);
    }
    command.arg(&url);
    let output = tokio::task::spawn_blocking(move || command.output()).await?;
    let output = output.context("wrk is missing: install it")?;
    let told = String::from_utf8_lossy(&output.stdout);
    read(&told).with_context(|| format!("wrk {url}: {told}{}", String::from_utf8_lossy(&output.stderr)))
}

fn read(told: &str) -> anyhow::Result<Figures> {
    for bad in ["Non-2xx", "Socket errors"] {
        anyhow::ensure!(!told.contains(bad), "{bad}");
    }
    let word = |beginning: &str| {
        let line = told.lines().map(str::trim).find(|line| line.starts_with(beginning));
        line.and_then(|line| line[beginning.len()..].split_whitespace().next()).context("a line is missing")
    };
    let requests =
        told.lines().find_map(|line| line.trim().split_once(" requests in ")).context("no count")?.0;
    Ok(Figures {
        requests: requests.parse()?,
        rate: word("Requests/sec:")?.parse()?,
        p99: millis(word("99%")?).context("no p99")?,
    })
}

/// `1.5s`, `2.50ms` or `340us` in milliseconds.
fn millis(text: &str) -> Option<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)];
    units.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "Running 2s test @ http://127.0.0.1:1/\n  1 threads and 1 connections\n  Thread Stats   Avg \
                        Stdev     Max   +/- Stdev\n    Latency   340.00us  1.00ms   2.00ms   90.00%\n  Latency \
                        Distribution\n     50%  300.00us\n     99%    1.25ms\n  2000 requests in 2.00s, 1.00MB \
                        read\nRequests/sec:   1000.50\nTransfer/sec:      0.50MB\n";

    #[test]
    fn the_figures_are_read() {
        let wanted = Figures { requests: 2000.0, rate: 1000.5, p99: 1.25 };
        assert_eq!(read(TOLD).unwrap(), wanted);
        assert_eq!([millis("340.00us"), millis("2.00s"), millis("x")], [Some(0.34), Some(2000.0), None]);
    }

    #[test]
    fn a_bad_answer_is_no_figure() {
        assert!(read(&format!("{TOLD}  Non-2xx or 3xx responses: 3\n")).is_err());
        assert!(read(&format!("{TOLD}  Socket errors: connect 0, read 3\n")).is_err());
        assert!(read("").is_err());
    }
}
