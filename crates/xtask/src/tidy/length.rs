//! What grows too long to be read is split.

use super::fault::Fault;

/// Lines of a source file; past that, split the noun.
const SOURCE: usize = 800;
/// Lines of ARCHITECTURE.md: a map is read in one sitting.
const MAP: usize = 300;
/// Targets of the Makefile: it is a menu, which one looks over at a glance.
const MENU: usize = 16;

pub(crate) fn check(path: &str, text: &str) -> Vec<Fault> {
    let lines = text.lines().count();
    let too_long = |limit: usize, advice: &str| {
        let advice = format!("{lines} lines, {limit} at most: {advice}");
        (lines > limit).then(|| Fault::new("length", path, lines, advice))
    };
    let fault = match path.rsplit('/').next().unwrap_or_default() {
        "ARCHITECTURE.md" => too_long(MAP, "keep the map, move the rest to docs/"),
        "Makefile" => too_many_targets(path, text),
        name if [".rs", ".sql", ".sh", ".py"].iter().any(|end| name.ends_with(end)) => {
            too_long(SOURCE, "split it by noun")
        }
        _ => None,
    };
    fault.into_iter().collect()
}

fn too_many_targets(path: &str, text: &str) -> Option<Fault> {
    let is_target = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(": ");
    let targets = text.lines().filter(is_target).filter(|line| !line.contains(":=")).count();
    let advice = format!("{targets} targets, {MENU} at most: move the rest to crates/xtask");
    (targets > MENU).then(|| Fault::new("length", path, 1, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_refused() {
        assert_eq!(check("a/src/lib.rs", &"x\n".repeat(SOURCE)), []);
        assert_eq!(check("a/src/lib.rs", &"x\n".repeat(SOURCE + 1)).len(), 1);
        assert_eq!(check("ARCHITECTURE.md", &"x\n".repeat(MAP + 1)).len(), 1);
        assert_eq!(check("Cargo.lock", &"x\n".repeat(SOURCE + 1)), []);
    }

    #[test]
    fn the_makefile_is_a_menu() {
        let targets = |count| "run: ## Run\n\tcargo run\n".repeat(count);
        assert_eq!(check("Makefile", &targets(MENU)), []);
        assert_eq!(check("Makefile", &targets(MENU + 1)).len(), 1);
    }
}
