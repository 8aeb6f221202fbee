use std::fmt;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use diesel::{
    connection::BoxableConnection,
    migration::{self, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion},
    pg::Pg,
};
use include_dir::Dir;

/// A service's migrations, oldest first.
#[derive(Clone, Debug)]
pub struct Catalogue {
    migrations: Vec<Migration>,
}

/// One step of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Orders it among the others: `20261120000001`.
    pub version: String,
    /// What it does: `create_users`.
    pub name: String,
    /// The SQL that makes the step.
    pub up: String,
    /// The SQL that takes it back; nothing but a comment when it cannot be.
    pub down: String,
    in_transaction: bool,
}

/// A folder that is no migration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("migration `{folder}`: {fault}")]
pub struct CatalogueError {
    folder: String,
    fault: &'static str,
}

/// A migration whose SQL cannot run in a transaction (CREATE INDEX CONCURRENTLY)
/// begins with this line.
const OUTSIDE: &str = "-- outside a transaction";

impl Catalogue {
    /// The migrations in the folders of `dirs`: a service's own, and those of the
    /// mechanisms whose tables stand beside them.
    ///
    /// # Errors
    /// The first folder that is not one, or that takes the version of another.
    pub fn embedded(dirs: &[&Dir<'_>]) -> Result<Self, CatalogueError> {
        let folders = dirs.iter().flat_map(|dir| dir.dirs());
        let mut migrations = folders.map(Migration::embedded).collect::<Result<Vec<_>, _>>()?;
        migrations.sort_by(|one, other| one.version.cmp(&other.version));
        match migrations.windows(2).find(|pair| pair[0].version == pair[1].version) {
            Some(pair) => Err(CatalogueError { folder: pair[1].name.clone(), fault: "its version is taken" }),
            None => Ok(Self { migrations }),
        }
    }

    /// Each, oldest first.
    #[must_use]
    pub fn migrations(&self) -> &[Migration] {
        &self.migrations
    }
}

impl Migration {
    fn embedded(dir: &Dir<'_>) -> Result<Self, CatalogueError> {
        let folder = dir.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let fault = |fault| CatalogueError { folder: folder.to_owned(), fault };
        let (version, name) = folder.split_once('_').ok_or(fault("`<version>_<name>` is wanted"))?;
        if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(fault("its version is not all digits"));
        }
        let text = |file| dir.get_file(dir.path().join(file)).and_then(|file| file.contents_utf8());
        let up = text("up.sql").ok_or(fault("it has no up.sql"))?;
        let down = text("down.sql").ok_or(fault("it has no down.sql"))?;
        Ok(Self {
            version: version.to_owned(),
            name: name.to_owned(),
            up: up.to_owned(),
            down: down.to_owned(),
            in_transaction: !up.starts_with(OUTSIDE),
        })
    }

    /// SHA-256 of the SQL that makes the step, in hex.
    #[must_use]
    pub fn checksum(&self) -> String {
        HEXLOWER.encode(digest::digest(&digest::SHA256, self.up.as_bytes()).as_ref())
    }

    /// Whether there is SQL to take it back with.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        self.down.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with("--"))
    }
}

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.version, self.name)
    }
}

impl MigrationName for Migration {
    fn version(&self) -> MigrationVersion<'_> {
        (&self.version).into()
    }
}

impl MigrationMetadata for Migration {
    fn run_in_transaction(&self) -> bool {
        self.in_transaction
    }
}

impl migration::Migration<Pg> for Migration {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        connection.batch_execute(&self.up)?;
        // The version is digits and the checksum is hex: nothing to quote.
        let (version, checksum) = (&self.version, self.checksum());
        Ok(connection.batch_execute(&format!(
            "INSERT INTO plinth_migration_checksums (version, checksum) VALUES ('{version}', '{checksum}')"
        ))?)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        if !self.is_reversible() {
            return Err(format!("{self} cannot be taken back: {}", self.down.trim()).into());
        }
        connection.batch_execute(&self.down)?;
        let version = &self.version;
        Ok(connection
            .batch_execute(&format!("DELETE FROM plinth_migration_checksums WHERE version = '{version}'"))?)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

impl MigrationSource<Pg> for Catalogue {
    fn migrations(&self) -> migration::Result<Vec<Box<dyn migration::Migration<Pg>>>> {
        let boxed =
            |migration: &Migration| -> Box<dyn migration::Migration<Pg>> { Box::new(migration.clone()) };
        Ok(self.migrations.iter().map(boxed).collect())
    }
}

#[cfg(test)]
impl Catalogue {
    /// Migrations that need no files.
    pub(crate) fn of(steps: &[(&str, &str)]) -> Self {
        let step = |(version, up): &(&str, &str)| Migration {
            version: (*version).to_owned(),
            name: "step".to_owned(),
            up: (*up).to_owned(),
            down: String::new(),
            in_transaction: true,
        };
        Self { migrations: steps.iter().map(step).collect() }
    }
}
