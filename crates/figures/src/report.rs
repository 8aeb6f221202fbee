//! One table of figures and ratios, also kept as JSON.
#![expect(clippy::print_stdout, reason = "commands show their figures through here")]

use std::{fs, path::Path, time::SystemTime};

use anyhow::Context;
use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// What it is held against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// What is wanted of it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// What a figure is held against.
#[derive(Clone, Debug, Serialize)]
pub struct Against {
    /// The limit or the peer.
    pub what: &'static str,
    /// The figure's share of it.
    pub ratio: f64,
    /// What is wanted: at least or at most so much. Without, it is only told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// What is wanted of a ratio, or of a figure by itself.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// No less than this.
    AtLeast(f64),
    /// No more than this.
    AtMost(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl Row {
    /// What cannot be told (not a number) misses any target.
    fn is_missed(&self) -> bool {
        let ratio = self.against.as_ref().and_then(|against| Some((against.target?, against.ratio)));
        let wanted = [ratio, self.target.map(|target| (target, self.value))];
        wanted.into_iter().flatten().any(|(target, value)| !target.is_met(value))
    }
}

/// All figures of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    machine: String,
    rows: Vec<Row>,
}

impl Report {
    /// None yet; `machine` is what they are measured on.
    #[must_use]
    pub fn new(machine: String) -> Self {
        println!("{machine}");
        Self { machine, rows: Vec::new() }
    }

    /// Says what is being done: measuring takes long.
    pub fn doing(&self, what: &str) {
        println!("  … {what}");
    }

    /// A figure by itself.
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.row(Row { name: name.into(), value, unit, against: None, target: None });
    }

    /// A figure beside another, of which nothing is promised.
    pub fn beside(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        (what, other): (&'static str, f64),
    ) {
        let against = Some(Against { what, ratio: value / other, target: None });
        self.row(Row { name: name.into(), value, unit, against, target: None });
    }

    /// A figure beside what it is held against.
    pub fn compared(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        (what, other): (&'static str, f64),
        target: Target,
    ) {
        let against = Some(Against { what, ratio: value / other, target: Some(target) });
        self.row(Row { name: name.into(), value, unit, against, target: None });
    }

    /// A figure of which something is wanted by itself.
    pub fn held(&mut self, name: impl Into<String>, value: f64, unit: &'static str, target: Target) {
        self.row(Row { name: name.into(), value, unit, against: None, target: Some(target) });
    }

    /// How many figures miss their target.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.is_missed()).count()
    }

    fn row(&mut self, row: Row) {
        println!("{row}");
        self.rows.push(row);
    }

    /// Prints all once more, and keeps them in a file in `dir`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(&self, dir: &Path) -> anyhow::Result<()> {
        println!("\n{}", self.machine);
        self.rows.iter().for_each(|row| println!("{row}"));
        fs::create_dir_all(dir).with_context(|| format!("can't make {}", dir.display()))?;
        let seconds = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        let file = dir.join(format!("{seconds}.json"));
        fs::write(&file, serde_json::to_string_pretty(self)?).context("can't write the results")?;
        println!("kept in {}", file.display());
        Ok(())
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<66}{:>10.2} {:<8}", self.name, self.value, self.unit)?;
        if let Some(Against { what, ratio, .. }) = &self.against {
            write!(f, "{ratio:>8.2} of {what}")?;
        }
        let target = self.target.or(self.against.as_ref().and_then(|against| against.target));
        let Some(target) = target else { return Ok(()) };
        let (sign, wanted) = match target {
            Target::AtLeast(least) => ("≥", least),
            Target::AtMost(most) => ("≤", most),
        };
        let verdict = if self.is_missed() { "  MISSED" } else { "" };
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
        report.held("e", 0.0, "", Target::AtMost(0.0));
        report.held("f", 1.0, "", Target::AtMost(0.0));
        let wanted = [
            "3.00 ms",
            "3.00 ms 1.50 of a",
            "3.00 ms 1.50 of a (wanted ≥ 1.5)",
            "3.00 ms 1.50 of a (wanted ≤ 1.4) MISSED",
            "0.00 (wanted ≤ 0)",
            "1.00 (wanted ≤ 0) MISSED",
        ];
        assert_eq!(told(&report), wanted);
        assert_eq!(report.missed(), 2);
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
