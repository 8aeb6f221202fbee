//! One table of figures and ratios, also kept as JSON.

use std::{fs, path::Path, time::SystemTime};

use anyhow::Context;
use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) name: String,
    /// How much.
    pub(crate) value: f64,
    /// Of what.
    pub(crate) unit: &'static str,
    /// What it is held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) against: Option<Against>,
}

/// What a figure is held against.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Against {
    /// The limit or the peer.
    pub(crate) what: &'static str,
    /// The figure's share of it.
    pub(crate) ratio: f64,
    /// What is wanted: at least or at most so much. Without, it is only told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
}

/// What is wanted of a ratio.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }
}

/// All figures of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(machine: String) -> Self {
        println!("{machine}");
        Self { machine, rows: Vec::new() }
    }

    /// Says what is being done: measuring takes long.
    #[expect(clippy::unused_self, reason = "whoever reports says what it does")]
    pub(crate) fn doing(&self, what: &str) {
        println!("  … {what}");
    }

    /// A figure by itself.
    pub(crate) fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.row(Row { name: name.into(), value, unit, against: None });
    }

    /// A figure beside another, of which nothing is promised.
    pub(crate) fn beside(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        (what, other): (&'static str, f64),
    ) {
        let against = Some(Against { what, ratio: value / other, target: None });
        self.row(Row { name: name.into(), value, unit, against });
    }

    /// A figure beside what it is held against.
    pub(crate) fn compared(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        (what, other): (&'static str, f64),
        target: Target,
    ) {
        let against = Some(Against { what, ratio: value / other, target: Some(target) });
        self.row(Row { name: name.into(), value, unit, against });
    }

    fn row(&mut self, row: Row) {
        println!("{row}");
        self.rows.push(row);
    }

    /// Prints all once more, and keeps them.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        println!("\n{}", self.machine);
        self.rows.iter().for_each(|row| println!("{row}"));
        let dir = Path::new("target/bench");
        fs::create_dir_all(dir).context("can't make target/bench")?;
        let seconds = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        let file = dir.join(format!("{seconds}.json"));
        fs::write(&file, serde_json::to_string_pretty(&self)?).context("can't write the results")?;
        println!("kept in {}", file.display());
        Ok(())
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<58}{:>12.2} {:<8}", self.name, self.value, self.unit)?;
        let Some(Against { what, ratio, target }) = &self.against else { return Ok(()) };
        write!(f, "{ratio:>8.2} of {what}")?;
        let Some(target) = target else { return Ok(()) };
        let (sign, wanted) = match target {
            Target::AtLeast(least) => ("≥", least),
            Target::AtMost(most) => ("≤", most),
        };
        let verdict = if target.is_met(*ratio) { "" } else { "  MISSED" };
        write!(f, " (wanted {sign} {wanted}){verdict}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(report: &Report) -> Vec<String> {
        let end = |row: &Row| row.to_string().split_whitespace().skip(1).collect::<Vec<_>>().join(" ");
        report.rows.iter().map(end).collect()
    }

    #[test]
    fn a_ratio_that_misses_its_target_is_marked() {
        let mut report = Report::new(String::new());
        report.figure("a", 3.0, "ms");
        report.beside("b", 3.0, "ms", ("a", 2.0));
        report.compared("c", 3.0, "ms", ("a", 2.0), Target::AtLeast(1.5));
        report.compared("d", 3.0, "ms", ("a", 2.0), Target::AtMost(1.4));
        let wanted = [
            "3.00 ms",
            "3.00 ms 1.50 of a",
            "3.00 ms 1.50 of a (wanted ≥ 1.5)",
            "3.00 ms 1.50 of a (wanted ≤ 1.4) MISSED",
        ];
        assert_eq!(told(&report), wanted);
    }

    #[test]
    fn what_cannot_be_told_is_a_miss() {
        assert!(!Target::AtLeast(0.0).is_met(f64::NAN) && !Target::AtMost(1.0).is_met(f64::NAN));
    }

    #[test]
    fn as_json_only_what_there_is() {
        let mut report = Report::new("2 cores".to_owned());
        report.figure("a", 2.0, "ms");
        report.compared("b", 3.0, "ms", ("a", 2.0), Target::AtMost(2.0));
        let against = serde_json::json!({"what": "a", "ratio": 1.5, "target": {"at_most": 2.0}});
        let wanted = serde_json::json!({"machine": "2 cores", "rows": [
            {"name": "a", "value": 2.0, "unit": "ms"},
            {"name": "b", "value": 3.0, "unit": "ms", "against": against},
        ]});
        assert_eq!(serde_json::to_value(&report).unwrap(), wanted);
    }
}
