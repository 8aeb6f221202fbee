//! A service reads its environment in `settings.rs` and nowhere else.
//!
//! Other crates are held by clippy's `disallowed-methods`, where an exception gives its reason.

use super::fault::Fault;
use super::source::{Source, mentions};

const READS: [&str; 6] = ["env::var", "env::var_os", "env::vars", "env::vars_os", "dotenvy", "dotenv"];

pub(crate) fn check(path: &str, source: &Source) -> Vec<Fault> {
    if !super::sql::is_of_a_service(path) || path.ends_with("/settings.rs") || path.contains("/settings/") {
        return Vec::new();
    }
    let fault = |(line, code): (usize, &str)| {
        let read = READS.iter().find(|read| mentions(code, read))?;
        let advice = format!("`{read}` outside settings.rs: read it there and pass it as an argument");
        Some(Fault::new("environment", path, line, advice))
    };
    source.lines().filter_map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_read_the_environment() {
        let source = Source::read("fn f() {\n    std::env::var(\"AUTH__HTTP__BIND\");\n}");
        assert_eq!(check("services/auth/src/user/http.rs", &source).len(), 1);
        assert_eq!(check("services/auth/src/settings.rs", &source), []);
        assert_eq!(check("crates/testing/src/lib.rs", &source), []);
    }

    #[test]
    fn what_is_known_at_compile_time_is_fine() {
        let source = Source::read("const VERSION: &str = env!(\"CARGO_PKG_VERSION\");");
        assert_eq!(check("services/auth/src/lib.rs", &source), []);
    }
}
