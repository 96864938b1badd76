//! Why an audit cannot be opened, and what helps.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::sys::fs::{FileKind, describe};

/// Why an audit cannot be opened.
#[derive(Debug)]
pub enum Error {
    /// The system refused.
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// The folder of the file's folder is missing.
    NoFolder(PathBuf),
    /// Something else than a file is in its place.
    Kind {
        /// Its path.
        file: PathBuf,
        /// What it is.
        kind: FileKind,
    },
    /// The file belongs to someone else, who could change it.
    Foreign {
        /// The file.
        file: PathBuf,
        /// Whose it is, by user id.
        owner: u32,
    },
    /// Others may write the file.
    Exposed(PathBuf),
    /// The file holds something else.
    NoAudit(PathBuf),
    /// Another process writes the file.
    Busy(PathBuf),
}

/// What helps where folders are missing: for a path that is mistyped, they are not to be made.
const MAKE_FOLDER: &str = "make them with mkdir -p, or correct the path";

impl Error {
    /// What helps.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::NoFolder(_) => Some(MAKE_FOLDER.to_owned()),
            Self::Kind { .. } | Self::NoAudit(_) => {
                Some("name another file, or move this one away".to_owned())
            }
            Self::Foreign { file, .. } => Some(format!(
                "give it to the user of the daemon: chown USER {}",
                file.display()
            )),
            Self::Exposed(file) => Some(format!("chmod go-w {}", file.display())),
            Self::Busy(_) => Some("only one daemon can write a file".to_owned()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { file, error } => {
                write!(f, "audit {}: {}", file.display(), describe(error))
            }
            Self::NoFolder(file) => write!(
                f,
                "audit {}: its folder cannot be made: the one above it is missing",
                file.display()
            ),
            Self::Kind { file, kind } => {
                write!(f, "audit {}: is {kind}, not a regular file", file.display())
            }
            Self::Foreign { file, owner } => write!(
                f,
                "audit {}: belongs to another user (uid {owner})",
                file.display()
            ),
            Self::Exposed(file) => write!(f, "audit {}: others may write it", file.display()),
            Self::NoAudit(file) => write!(
                f,
                "audit {}: holds something else than an audit",
                file.display()
            ),
            Self::Busy(file) => {
                write!(f, "audit {}: another process writes it", file.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
