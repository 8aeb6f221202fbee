//! The only reader of the environment.
#![expect(clippy::disallowed_methods, reason = "this is where the environment is read")]

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// What a service inherits: where programs are, who we are, and how loud to be. Everything else
/// is given to it, so that it runs the same in every shell.
const INHERITED: [&str; 5] = ["PATH", "HOME", "LANG", "RUST_LOG", "RUST_BACKTRACE"];

/// The inherited part of a service's environment.
pub(crate) fn inherited() -> Vec<(&'static str, OsString)> {
    INHERITED.iter().filter_map(|name| Some((*name, env::var_os(name)?))).collect()
}

/// Whether colours are unwanted (<https://no-color.org>).
pub(crate) fn no_color() -> bool {
    env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The cargo that runs us, or the one on the PATH.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Where programs of this machine keep their state: of the machine for root, else of the user.
pub(crate) fn state_home() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some("/var/lib/plinth".into());
    }
    let home = env::var_os("HOME").map(PathBuf::from);
    if cfg!(target_os = "macos") {
        return Some(home?.join("Library/Application Support/plinth"));
    }
    let given = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    Some(given.or_else(|| Some(home?.join(".local/state")))?.join("plinth"))
}
