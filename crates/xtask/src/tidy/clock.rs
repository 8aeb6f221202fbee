//! Rules are pure: in `rules.rs` the time, new ids and all that is read come as arguments.

use super::fault::Fault;
use super::source::{Source, mentions};

/// What a pure function has no use for, with what to do instead.
const IMPURE: [(&str, &str); 12] = [
    ("::now(", "take the time as an argument"),
    ("SystemTime", "take the time as an argument"),
    ("Instant", "take the time as an argument"),
    (".elapsed(", "take both times as arguments"),
    ("::generate(", "take the id as an argument"),
    ("now_v7(", "take the id as an argument"),
    ("new_v4(", "take the id as an argument"),
    ("async", "rules do not wait: call from http.rs or store.rs"),
    (".await", "rules do not wait: call from http.rs or store.rs"),
    ("tokio::", "rules do no IO: call from http.rs or store.rs"),
    ("std::fs", "rules read nothing: take what was read as an argument"),
    ("std::env", "rules read nothing: take the setting as an argument"),
];

pub(crate) fn check(path: &str, source: &Source) -> Vec<Fault> {
    if !path.ends_with("/rules.rs") {
        return Vec::new();
    }
    let fault = |(line, code): (usize, &str)| {
        let (found, advice) = IMPURE.iter().find(|(phrase, _)| mentions(code, phrase))?;
        let found = found.trim_matches(['.', ':', '(']);
        Some(Fault::new("pure-rules", path, line, format!("`{found}` in rules.rs: {advice}")))
    };
    source.lines_before_tests().filter_map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> usize {
        check(path, &Source::read(text)).len()
    }

    #[test]
    fn clock_and_waiting_are_faults_in_rules_alone() {
        let texts = [
            "let now = Timestamp::now();",
            "async fn f() {}",
            "let id = UserId::generate();",
            "f(Instant::now())",
        ];
        for text in texts {
            assert_eq!(faults("services/auth/src/user/rules.rs", text), 1, "{text}");
            assert_eq!(faults("services/auth/src/user/http.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn arguments_and_tests_are_fine() {
        assert_eq!(faults("a/rules.rs", "fn f(now: Timestamp) -> bool { now > LIMIT } // async\n"), 0);
        assert_eq!(faults("a/rules.rs", "#[cfg(test)]\nmod tests { fn f() { Timestamp::now(); } }"), 0);
    }
}
