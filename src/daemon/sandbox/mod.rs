//! What the daemon gives up once it is set up, and the process that keeps for it what it cannot give up.
//!
//! Whoever gets the daemon to run code of his finds a process that can read little more than what it serves, can write
//! its audit and its sockets, and can neither start a program nor speak to a network. None of this is what keeps peers
//! apart: that is the policy. So where a kernel lacks a part of it, the daemon says so and runs.

mod helper;
mod landlock;
mod reach;
mod seccomp;

use std::fmt;
use std::path::PathBuf;

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
