use ids::Timestamp;

use super::Catalogue;

/// What a database says was applied to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) version: String,
    pub(crate) checksum: String,
    pub(crate) at: Timestamp,
}

/// The migrations that the binary has beside those that the database has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Oldest first.
    pub entries: Vec<Entry>,
}

/// One migration, known to the binary, the database or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its version.
    pub version: String,
    /// Its name, when the binary knows it.
    pub name: Option<String>,
    /// Where it stands.
    pub state: State,
}

/// Where a migration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Applied, as it stands in the binary.
    Applied(Timestamp),
    /// Not applied yet.
    Pending,
    /// Applied, but what was applied is not what stands in the binary.
    Edited,
    /// Applied, but the binary does not have it.
    Missing,
    /// Not applied, though one after it was.
    Skipped,
}

/// History that is not to be built upon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disorder {
    /// A released migration was changed.
    #[error("{0} was edited after it had been applied: restore it, and put the change in a new migration")]
    Edited(String),
    /// A released migration is gone.
    #[error("{0} was applied but is not in this binary: take the newer release, or restore the migration")]
    Missing(String),
    /// A migration slipped in behind others.
    #[error("{0} is older than what was applied already: give it a newer version")]
    Skipped(String),
}

impl History {
    pub(crate) fn compare(catalogue: &Catalogue, applied: &[Applied]) -> Self {
        let newest = applied.iter().map(|row| &row.version).max();
        let mut entries: Vec<Entry> = catalogue
            .migrations()
            .iter()
            .map(|migration| {
                let state = match applied.iter().find(|row| row.version == migration.version) {
                    Some(row) if row.checksum == migration.checksum() => State::Applied(row.at),
                    Some(_) => State::Edited,
                    None if newest.is_some_and(|newest| *newest > migration.version) => State::Skipped,
                    None => State::Pending,
                };
                Entry { version: migration.version.clone(), name: Some(migration.name.clone()), state }
            })
            .collect();
        let unknown = applied
            .iter()
            .filter(|row| !catalogue.migrations().iter().any(|migration| migration.version == row.version));
        entries.extend(unknown.map(|row| Entry {
            version: row.version.clone(),
            name: None,
            state: State::Missing,
        }));
        entries.sort_by(|one, other| one.version.cmp(&other.version));
        Self { entries }
    }

    /// Everything that keeps it from being built upon.
    #[must_use]
    pub fn disorders(&self) -> Vec<Disorder> {
        let disorder = |entry: &Entry| match entry.state {
            State::Edited => Some(Disorder::Edited(entry.to_string())),
            State::Missing => Some(Disorder::Missing(entry.to_string())),
            State::Skipped => Some(Disorder::Skipped(entry.to_string())),
            State::Applied(_) | State::Pending => None,
        };
        self.entries.iter().filter_map(disorder).collect()
    }

    /// Those that would be applied now.
    pub fn pending(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.state == State::Pending)
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}_{name}", self.version),
            None => f.write_str(&self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(catalogue: &Catalogue) -> Vec<Applied> {
        let row = |migration: &super::super::Migration| Applied {
            version: migration.version.clone(),
            checksum: migration.checksum(),
            at: Timestamp::now(),
        };
        catalogue.migrations().iter().map(row).collect()
    }

    #[test]
    fn what_is_new_is_pending() {
        let old = Catalogue::of(&[("1", "a")]);
        let new = Catalogue::of(&[("1", "a"), ("2", "b")]);
        let history = History::compare(&new, &applied(&old));
        assert!(history.disorders().is_empty());
        assert_eq!(history.pending().map(|entry| entry.version.as_str()).collect::<Vec<_>>(), ["2"]);
    }

    #[test]
    fn edited_missing_and_skipped_history_is_named() {
        let released = Catalogue::of(&[("1", "a"), ("3", "c"), ("4", "d")]);
        let changed = Catalogue::of(&[("1", "A"), ("2", "b"), ("4", "d")]);
        let disorders = History::compare(&changed, &applied(&released)).disorders();
        assert_eq!(
            disorders,
            [
                Disorder::Edited("1_step".to_owned()),
                Disorder::Skipped("2_step".to_owned()),
                Disorder::Missing("3".to_owned())
            ]
        );
    }
}
