//! What the daemon gives up once it is set up, and the process that keeps for it what it cannot give up.
//!
//! Whoever gets the daemon to run code of his finds a process that can read little more than what it serves, can write
//! its audit and its sockets, and can neither start a program nor speak to a network. None of this is what keeps peers
//! apart: that is the policy. So where a kernel lacks a part of it, the daemon says so and runs.

mod helper;
mod landlock;
mod reach;
mod seccomp;

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::{fmt, io};

pub use helper::{Helper, resume};

use crate::sys::peer::expect_no_programs;

/// What the daemon goes on needing of the file system, besides what every process reads of it.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// Files and folders to read, whether they are there or not. So that what takes their place later is seen too, all of
    /// the folder that holds them can be read, and likewise where symbolic links on the way lead.
    pub readable: Vec<PathBuf>,
    /// Files and sockets that are made, written and removed: all in the folders that hold them.
    pub writable: Vec<PathBuf>,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The version of Landlock's interface that holds this process; none if it does not at all.
    pub landlock: Option<u32>,
    /// Whether system calls are filtered.
    pub seccomp: bool,
    /// What could not be done, one line each: for the log and for the status.
    pub warnings: Vec<String>,
}

/// In one line, for the log.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.landlock {
            Some(version) => write!(f, "files are confined by Landlock {version}")?,
            None => f.write_str("files are not confined")?,
        }
        f.write_str(if self.seccomp {
            ", system calls are filtered"
        } else {
            ", system calls are not filtered"
        })
    }
}

/// Whether what `path` leads to can be read, now and after something took its place, as far as this process is shut in.
pub fn reaches(path: &Path) -> bool {
    let mut folders = BTreeSet::new();
    reach::add(path, &mut folders);
    let is_out_of_reach = |folder: &PathBuf| {
        // What lies at the root counts itself, and may be a pipe, which is not waited for.
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(folder);
        opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    !folders.iter().any(is_out_of_reach)
}

/// Shuts this process in, for good. Only threads that are started later are confined by Landlock besides the calling
/// one (before Linux 7.0), so there should be no others yet; the filter of system calls holds for all. What has to be
/// started from now on is for a [`Helper`] that runs already.
pub fn enter(paths: &Paths) -> Report {
    let mut report = Report::default();
    match landlock::confine(paths) {
        Ok(confined) => {
            report.landlock = Some(confined.version);
            // Which are other processes' affairs under Landlock, as tracing them is.
            expect_no_programs();
            report.warnings.extend(confined.lacks);
        }
        Err(reason) => report
            .warnings
            .push(format!("files are not confined: {reason}")),
    }
    match seccomp::filter() {
        Ok(()) => report.seccomp = true,
        Err(reason) => report
            .warnings
            .push(format!("system calls are not filtered: {reason}")),
    }
    report
}
