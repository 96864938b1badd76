//! A control group of the command's own, where one can be made: what is in it can be killed at once, whatever it does.
//! See cgroups(7), "Cgroups version 2".

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::sys::children::Pid;
use crate::sys::life::{Existence, Life};

/// Begins the names of all of them.
const PREFIX: &str = "escrun-";

/// A control group below that of escrun. It is a help only: a command that cannot enter it, or whose group is removed
/// before it does, is found by /proc.
pub(super) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Makes one, and removes those that earlier supervisors could not.
    ///
    /// # Errors
    /// When there is no hierarchy of version 2, when it may not be written, or when it cannot kill.
    pub(super) fn make() -> io::Result<Self> {
        let parent = own_group()?;
        remove_empty(&parent);
        let owner = Life::of(Pid::own()).to_string().replace(' ', "-");
        let cgroup = Self {
            path: parent.join(format!("{PREFIX}{owner}")),
        };
        fs::create_dir(&cgroup.path)?;
        // Linux 5.14.
        if let Err(error) = fs::metadata(cgroup.path.join("cgroup.kill")) {
            cgroup.remove();
            return Err(error);
        }
        Ok(cgroup)
    }

    /// One that was made before.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What a process enters it by.
    ///
    /// # Errors
    /// Those of opening a file.
    pub(super) fn door(&self) -> io::Result<File> {
        OpenOptions::new()
            .write(true)
            .open(self.path.join("cgroup.procs"))
    }

    /// Kills everything in it, and below it.
    ///
    /// # Errors
    /// Those of writing a file.
    pub(super) fn kill(&self) -> io::Result<()> {
        fs::write(self.path.join("cgroup.kill"), "1")
    }

    /// Removes it unless something is left in it.
    pub(super) fn remove(&self) {
        // The command may have made groups of its own below.
        remove_tree(&self.path);
    }
}

/// Removes control groups from the innermost; what still has processes stays.
fn remove_tree(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    // The next supervisor tries again.
    let _ = fs::remove_dir(path);
}

/// Removes what supervisors left that were killed themselves. A living one may be about to put its command into its
/// group, and of those in other namespaces nothing is known.
fn remove_empty(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let owner = owner.and_then(|owner| owner.replace('-', " ").parse::<Life>().ok());
        // A command that has outlived its supervisor may have groups of its own there.
        if owner.is_some_and(|owner| owner.existence() == Existence::Over)
            && !is_populated(&entry.path())
        {
            remove_tree(&entry.path());
        }
    }
}

/// Whether there are processes in a control group, or below it.
fn is_populated(group: &Path) -> bool {
    let events = fs::read_to_string(group.join("cgroup.events"));
    events.is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
}

/// The folder of the control group that this process is in.
fn own_group() -> io::Result<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    find_group(&own, &mounts).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Finds the folder by /proc/PID/cgroup and /proc/PID/mountinfo (proc(5)).
fn find_group(own: &str, mounts: &str) -> Option<PathBuf> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (place, filesystem) = line.split_once(" - ")?;
        if filesystem.split(' ').next() != Some("cgroup2") {
            return None;
        }
        let mut fields = place.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let below = Path::new(own).strip_prefix(root).ok()?;
        Some(Path::new(point).join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found() {
        let unified =
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let hybrid = "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
                      32 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
        let part = "30 23 0:26 /box /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        for (own, mounts, expected) in [
            (
                "0::/a/b.service\n",
                unified,
                Some("/sys/fs/cgroup/a/b.service"),
            ),
            ("0::/\n", unified, Some("/sys/fs/cgroup/")),
            (
                "4:pids:/x\n0::/y\n",
                hybrid,
                Some("/sys/fs/cgroup/unified/y"),
            ),
            ("0::/box/c\n", part, Some("/sys/fs/cgroup/c")),
            ("0::/other\n", part, None),
            ("4:pids:/x\n", hybrid, None),
            ("0::/x\n", "", None),
        ] {
            let found = find_group(own, mounts);
            assert_eq!(found.as_deref(), expected.map(Path::new), "{own}");
        }
    }
}
