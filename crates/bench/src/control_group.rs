//! A control group for what is measured, as every container has one.
//!
//! Beside containers, Linux may share the processor between sessions instead of threads
//! (sched(7), "The autogroup feature"), and each process of PostgreSQL is a session of its own:
//! then no thread of a service can step back for it.

use std::{
    fs::{create_dir, read_to_string, remove_dir, write},
    path::{Path, PathBuf},
};

/// This process and all that it starts are in it; ends with this value.
pub(crate) struct ControlGroup {
    own: PathBuf,
    above: PathBuf,
}

impl ControlGroup {
    /// Enters one; `None` when this process is in one, or may not make one.
    pub(crate) fn enter() -> Option<Self> {
        let above = root_of_the_processor(&read_to_string("/proc/self/cgroup").ok()?)?;
        // Tolerated: the first version of control groups has no such file.
        let _ = write(above.join("cgroup.subtree_control"), "+cpu");
        let own = above.join(format!("plinth-bench-{}", std::process::id()));
        create_dir(&own).ok()?;
        let group = Self { own, above };
        move_to(&group.own, &std::process::id().to_string()).then_some(group)
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        let inside = read_to_string(self.own.join("cgroup.procs")).unwrap_or_default();
        for pid in inside.lines() {
            move_to(&self.above, pid);
        }
        // Tolerated: an empty group holds nothing and hinders nobody.
        let _ = remove_dir(&self.own);
    }
}

fn move_to(group: &Path, pid: &str) -> bool {
    write(group.join("cgroup.procs"), pid).is_ok()
}

/// Where groups that share the processor begin, if this process is in none: cgroups(7).
fn root_of_the_processor(own: &str) -> Option<PathBuf> {
    let mut lines = own.lines().map(|line| line.splitn(3, ':').skip(1).collect::<Vec<_>>());
    let first =
        lines.clone().find(|line| line.first().is_some_and(|all| all.split(',').any(|one| one == "cpu")));
    let (group, root) = match first {
        Some(line) => (*line.get(1)?, format!("/sys/fs/cgroup/{}", line[0])),
        None => (*lines.find(|line| line[0].is_empty())?.get(1)?, "/sys/fs/cgroup".to_owned()),
    };
    (group == "/").then(|| PathBuf::from(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_in_both_versions_and_only_from_the_root() {
        let of = |own: &str| root_of_the_processor(own).map(|root| root.display().to_string());
        assert_eq!(of("3:cpuset:/\n1:cpu:/\n0::/\n").unwrap(), "/sys/fs/cgroup/cpu");
        assert_eq!(of("1:cpu,cpuacct:/\n0::/\n").unwrap(), "/sys/fs/cgroup/cpu,cpuacct");
        assert_eq!(of("0::/\n").unwrap(), "/sys/fs/cgroup");
        assert_eq!(of("1:cpu:/docker/1\n0::/\n"), None);
        assert_eq!(of("0::/user.slice/session-1.scope\n"), None);
        assert_eq!(of(""), None);
    }
}
