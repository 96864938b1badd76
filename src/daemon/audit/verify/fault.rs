//! Where a chain is broken, and how that is told.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::daemon::audit::chain::Digest;
use crate::sys::fs::describe;

/// Why a chain could not be verified.
#[derive(Debug)]
pub enum Failure {
    /// A file cannot be read.
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It is broken.
    Broken(Fault),
    /// It is whole, but has no line with the hash that was expected.
    Missing(Digest),
}

/// The first place where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub wrong: Wrong,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is not as it was written.
    Changed,
    /// It is none, and neither is what follows up to a line of the daemon that tells of it; this many bytes.
    Damaged(u64),
    /// As many lines are missing in front of it.
    Missing(u64),
    /// Another line stood in front of it.
    Exchanged,
    /// It has been seen, or is of another place.
    OutOfOrder {
        /// Its number.
        number: u64,
        /// The number of the line in front of it.
        after: u64,
    },
    /// It begins another chain.
    Anew,
    /// It is the first of its file, and the first of a file tells of that.
    BeginningRemoved,
    /// There is none in the file, and every file has one.
    Empty,
    /// It tells of something in front of it, which is not there.
    RemainsRemoved,
}

impl Failure {
    /// What helps.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing(_) => Some("lines were cut off at its end, or it was written anew"),
            Self::Broken(fault) => fault.wrong.hint(),
            Self::Io { .. } => None,
        }
    }
}

impl Wrong {
    fn hint(self) -> Option<&'static str> {
        match self {
            Self::Damaged(_) => Some(
                "a machine that loses its power does so as well as someone who writes the file",
            ),
            Self::Empty => {
                Some("a file that was just put there has its first line once the daemon reopens it")
            }
            Self::Anew => Some("the files before it were away when the daemon started"),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { file, error } => write!(f, "{}: {}", file.display(), describe(error)),
            Self::Broken(fault) => fault.fmt(f),
            Self::Missing(digest) => write!(f, "no line has the hash {digest}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.wrong)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("the line was changed, or is none"),
            Self::Damaged(bytes) => write!(f, "{bytes} bytes are no lines"),
            Self::Missing(1) => f.write_str("a line is missing in front of this one"),
            Self::Missing(count) => write!(f, "{count} lines are missing in front of this one"),
            Self::Exchanged => f.write_str("another line stood in front of this one"),
            Self::OutOfOrder { number, after } => {
                write!(f, "line {number} of the chain stands behind line {after}")
            }
            Self::Anew => f.write_str("another chain begins here"),
            Self::BeginningRemoved => f.write_str("the beginning of the file is missing"),
            Self::Empty => f.write_str("the file is empty"),
            Self::RemainsRemoved => {
                f.write_str("what this line tells of is missing in front of it")
            }
        }
    }
}

impl std::error::Error for Failure {}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}
