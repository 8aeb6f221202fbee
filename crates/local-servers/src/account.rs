//! The user that a server runs as: ours, or `postgres` if we are root.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use tokio::process::Command;

use crate::Error;

const NAME: &str = "postgres";

/// A user by its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
    /// Whether it is another user than we are, which only root can arrange.
    foreign: bool,
}

impl Account {
    /// The user that PostgreSQL shall run as.
    pub(crate) async fn for_postgres() -> Result<Self, Error> {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        if !uid.is_root() {
            return Ok(Self { uid: uid.as_raw(), gid: gid.as_raw(), foreign: false });
        }
        Ok(Self { uid: id("-u").await?, gid: id("-g").await?, foreign: true })
    }

    /// Makes a directory that belongs to this user alone, and checks that the user can reach it.
    pub(crate) fn own_dir(self, dir: &Path) -> Result<(), Error> {
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(Error::io("close", dir))?;
        self.take(dir)?;
        if self.foreign { self.reach(dir) } else { Ok(()) }
    }

    /// Gives a file or directory to this user.
    pub(crate) fn take(self, path: &Path) -> Result<(), Error> {
        if !self.foreign {
            return Ok(());
        }
        chown(path, Some(self.uid), Some(self.gid)).map_err(Error::io("give away", path))
    }

    /// Refuses data that another user made: PostgreSQL would, in less clear words.
    pub(crate) fn check_owner(self, dir: &Path) -> Result<(), Error> {
        let uid = fs::metadata(dir).map_err(Error::io("look at", dir))?.uid();
        if uid == self.uid { Ok(()) } else { Err(Error::Owner { path: dir.to_owned(), uid }) }
    }

    /// Lets a program run as this user.
    pub(crate) fn run_as(self, command: &mut Command) {
        if self.foreign {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Each directory on the way must let the user pass; the home of root (0700) doesn't.
    fn reach(self, dir: &Path) -> Result<(), Error> {
        let dir = dir.canonicalize().map_err(Error::io("find", dir))?;
        for path in dir.ancestors() {
            let meta = fs::metadata(path).map_err(Error::io("look at", path))?;
            let passes = if meta.uid() == self.uid {
                0o100
            } else if meta.gid() == self.gid {
                0o010
            } else {
                0o001
            };
            if meta.mode() & passes == 0 {
                return Err(Error::Closed { account: NAME.to_owned(), path: path.to_owned() });
            }
        }
        Ok(())
    }
}

/// A number of the user `postgres`, wherever the system keeps its users.
async fn id(which: &str) -> Result<u32, Error> {
    let output = Command::new("id").args([which, NAME]).output().await;
    let output = output.map_err(Error::io("run", Path::new("id")))?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_not_a_number| Error::NoAccount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_directory_that_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account { uid: 4_000_000, gid: 4_000_000, foreign: true };
        let refusal = stranger.reach(dir.path()).unwrap_err().to_string();
        assert!(refusal.contains(&dir.path().canonicalize().unwrap().display().to_string()), "{refusal}");
    }
}
