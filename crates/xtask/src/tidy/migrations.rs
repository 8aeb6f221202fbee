//! Every migration can be undone, or says why not; and no two share a version.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::Fault;
use super::tree::Tree;

/// A file below `<home>/migrations/<migration>/`, where the home is a service, or the crate of a mechanism
/// that brings its own tables.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File<'a> {
    /// `services/auth`, `crates/jobs`.
    pub(super) home: &'a str,
    pub(super) migration: &'a str,
    pub(super) name: &'a str,
}

impl<'a> File<'a> {
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let (home, below) = path.split_once("/migrations/")?;
        let (migration, name) = below.split_once('/')?;
        let (kind, crate_name) = home.split_once('/')?;
        let is_home = ["services", "crates"].contains(&kind) && !crate_name.contains('/');
        (is_home && !name.contains('/')).then_some(Self { home, migration, name })
    }

    /// The migration's folder.
    fn folder(&self) -> String {
        format!("{}/migrations/{}", self.home, self.migration)
    }

    /// What orders it: the part before the first `_`.
    fn version(&self) -> &'a str {
        self.migration.split('_').next().unwrap_or_default()
    }
}

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let mut folders = BTreeSet::new();
    let mut versions: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for file in tree.files().filter_map(|(path, _)| File::of(path)) {
        folders.insert(file.folder());
        versions.entry((file.home, file.version())).or_default().insert(file.folder());
    }
    let halves = folders.iter().flat_map(|folder| {
        [("up.sql", "write what it does"), ("down.sql", "undo up.sql, or say why not: -- irreversible: …")]
            .map(|(name, advice)| (format!("{folder}/{name}"), advice))
    });
    let missing = halves
        .filter(|(path, _)| tree.text(path).is_none_or(|text| text.trim_matches(['-', ' ', '\n']).is_empty()))
        .map(|(path, advice)| Fault::new("migrations", &path, 1, advice));
    let twins =
        versions.iter().filter(|(_, folders)| folders.len() > 1).flat_map(|((_, version), folders)| {
            let advice = format!("version {version} is taken by another migration: give it its own");
            folders.iter().skip(1).map(move |folder| Fault::new("migrations", folder, 1, advice.clone()))
        });
    missing.chain(twins).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart() {
        let file = File::of("services/auth/migrations/0001_users/up.sql").unwrap();
        assert_eq!(file, File { home: "services/auth", migration: "0001_users", name: "up.sql" });
        assert_eq!(File::of("crates/jobs/migrations/0001_jobs/down.sql").unwrap().home, "crates/jobs");
        assert_eq!(File::of("services/auth/migrations/RELEASED"), None);
        assert_eq!(File::of("services/auth/src/user/http.rs"), None);
    }

    #[test]
    fn both_halves_say_something() {
        let up = ("services/auth/migrations/0001_users/up.sql", "CREATE TABLE users (id uuid)");
        let down = |text| Tree::of(&[up, ("services/auth/migrations/0001_users/down.sql", text)]);
        assert_eq!(check(&down("DROP TABLE users;")), []);
        assert_eq!(check(&down("-- irreversible: the old hashes are gone")), []);
        assert_eq!(check(&down("\n--\n")).len(), 1);
        assert_eq!(check(&Tree::of(&[up])).len(), 1);
    }

    #[test]
    fn a_version_is_used_once_in_a_service() {
        let tree = |second: &str| {
            let folders = ["services/auth/migrations/0001_users", second];
            let paths = folders.map(|folder| ["up.sql", "down.sql"].map(|name| format!("{folder}/{name}")));
            let files: Vec<_> = paths.iter().flatten().map(|path| (path.as_str(), "SELECT 1")).collect();
            check(&Tree::of(&files)).len()
        };
        assert_eq!(tree("services/auth/migrations/0001_sessions"), 1);
        assert_eq!(tree("services/auth/migrations/0002_sessions"), 0);
        assert_eq!(tree("services/prefs/migrations/0001_documents"), 0);
    }
}
