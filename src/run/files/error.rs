//! Why something could not be handed over.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::sys::fs::describe;

/// What stands in the way of files and documents. Nothing is left of those that were made before.
#[derive(Debug)]
pub enum Error {
    /// There is no folder to put them in.
    NoFolder {
        /// Where it was tried, and why not there.
        tried: Vec<(PathBuf, Unfit)>,
    },
    /// No file can have the name of a variable, or two would have it.
    Name {
        /// The name.
        variable: String,
    },
    /// The file of a variable could not be made.
    File {
        /// The variable.
        variable: String,
        /// Its path, if it would have one.
        path: Option<PathBuf>,
        /// What the system says.
        reason: io::Error,
    },
    /// The document could not be put where a descriptor leads.
    Document {
        /// What the system says.
        reason: io::Error,
    },
    /// The folder of a command could not be taken over or marked as that of the command.
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

/// Why files do not go to a place.
#[derive(Debug)]
pub enum Unfit {
    /// It is on a disk.
    OnDisk,
    /// Others than this user could exchange what is there.
    NotExclusive,
    /// What the system says.
    Io(io::Error),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Unfit::Io(error)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::OnDisk => f.write_str("is on a disk"),
            Unfit::NotExclusive => f.write_str("can be changed by others"),
            Unfit::Io(error) => f.write_str(&describe(error)),
        }
    }
}

impl Error {
    /// What helps.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::NoFolder { .. } => Some(
                "mount a tmpfs at /run or /dev/shm, or hand files over by --files memfd or --files fifo",
            ),
            Error::Name { .. } => {
                Some("name it with at most 255 letters, digits and `_`, and not like another one")
            }
            Error::File { reason, .. }
                if matches!(reason.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT)) =>
            {
                Some("make room there, or hand files over by --files memfd or --files fifo")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoFolder { tried } => {
                f.write_str("there is no place in memory for files")?;
                for (index, (path, reason)) in tried.iter().enumerate() {
                    let separator = if index == 0 { ": " } else { "; " };
                    write!(f, "{separator}{} {}", path.display(), Said(reason))?;
                }
                Ok(())
            }
            Error::Name { variable } => {
                write!(f, "no file can have the name of the variable {variable:?}")
            }
            Error::File {
                variable,
                path: Some(path),
                reason,
            } => write!(
                f,
                "cannot make the file {} of the variable {variable}: {}",
                path.display(),
                describe(reason)
            ),
            Error::File {
                variable,
                path: None,
                reason,
            } => write!(
                f,
                "cannot make the file of the variable {variable}: {}",
                describe(reason)
            ),
            Error::Document { reason } => {
                write!(f, "cannot hand the document over: {}", describe(reason))
            }
            Error::Folder { path, reason } => write!(
                f,
                "cannot use the folder {}: {}",
                path.display(),
                describe(reason)
            ),
        }
    }
}

/// The reason behind a path.
struct Said<'a>(&'a Unfit);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unfit::Io(_) => write!(f, "({})", self.0),
            _ => self.0.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::File { reason, .. }
            | Error::Document { reason }
            | Error::Folder { reason, .. } => Some(reason),
            Error::NoFolder { .. } | Error::Name { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_told_with_its_reason() {
        let denied = io::Error::from_raw_os_error(libc::EACCES);
        let error = Error::NoFolder {
            tried: vec![
                ("/run/escrun".into(), Unfit::Io(denied)),
                ("/dev/shm/escrun-1".into(), Unfit::NotExclusive),
                ("/tmp/escrun-1".into(), Unfit::OnDisk),
            ],
        };
        assert_eq!(
            error.to_string(),
            "there is no place in memory for files: /run/escrun (permission denied); /dev/shm/escrun-1 can be changed by \
             others; /tmp/escrun-1 is on a disk"
        );
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("--files memfd"))
        );
    }
}
