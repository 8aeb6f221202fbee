//! A lint is lifted with `#[expect(…, reason = "…")]`: it says why, and it goes when its cause goes.

use super::fault::Fault;
use super::source::Source;

pub(crate) fn check(path: &str, source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (line, code) in source.lines() {
        let opens =
            |name: &str| code.contains(&format!("#[{name}(")) || code.contains(&format!("#![{name}("));
        if opens("allow") || (opens("cfg_attr") && code.contains(" allow(")) {
            faults.push(Fault::new(
                "expect",
                path,
                line,
                "write #[expect(…, reason = \"…\")] instead of #[allow(…)]",
            ));
        }
        if opens("expect") && !attribute(source, line).contains("reason") {
            faults.push(Fault::new("expect", path, line, "say why: #[expect(…, reason = \"…\")]"));
        }
    }
    faults
}

/// The attribute that begins on a line, to its closing bracket.
fn attribute(source: &Source, line: usize) -> &str {
    source.below(line).split(")]").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check("crates/ids/src/lib.rs", &Source::read(text)).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn an_allow_is_a_fault() {
        assert_eq!(lines("fn a() {}\n#[allow(dead_code)]\nfn b() {}"), [2]);
        assert_eq!(lines("#![allow(missing_docs)]"), [1]);
        assert_eq!(lines("#[cfg_attr(test, allow(dead_code))]"), [1]);
        assert_eq!(lines("// #[allow(dead_code)]\nlet x = \"#[allow(\";"), [0; 0]);
    }

    #[test]
    fn an_expectation_gives_its_reason() {
        assert_eq!(lines("#[expect(dead_code)]"), [1]);
        assert_eq!(lines("#[expect(\n    dead_code,\n    reason = \"later\"\n)]"), [0; 0]);
    }
}
