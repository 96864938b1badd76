//! What may go wrong with settings, and what helps.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::config::Fault;
use crate::diagnostic::Diagnostic;
use crate::store;
use crate::sys::fs::{ReadError, describe};

/// Why a project or the user's settings were not read.
#[derive(Debug)]
pub enum Error {
    /// A file is not to be read.
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: ReadError,
    },
    /// A file is no text.
    Text(store::Error),
    /// A file belongs to neither this user nor root: somebody else's settings.
    Foreign {
        /// The file.
        file: PathBuf,
        /// Whose it is, by user id.
        owner: u32,
    },
    /// Everybody can write the user's own settings.
    Exposed(PathBuf),
    /// The group can write a file that only its owner should.
    Shared(PathBuf),
    /// A file says something wrong.
    Fault(Fault),
    /// An inline definition does not parse. The faults have their places.
    Inline(Vec<Diagnostic>),
    /// The text is no name of a stack.
    StackName,
    /// There is no file for the stack that was named.
    NoStack {
        /// The stack.
        stack: String,
        /// Where its file would have to be; nothing if there is no `Pulumi.yaml` for it to stand beside.
        file: Option<PathBuf>,
    },
    /// A folder of definitions that was named is not there.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The file that names it; nothing if the command line does.
        named_by: Option<PathBuf>,
        /// What the system says.
        error: std::io::Error,
    },
    /// Nothing names a folder of definitions, and there is none in the usual places.
    NoFolder {
        /// The places.
        tried: Vec<PathBuf>,
    },
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::Fault(fault)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Read { file, error } => write!(f, "read {}: {error}", file.display()),
            Error::Text(error) => error.fmt(f),
            Error::Foreign { file, owner } => {
                write!(
                    f,
                    "{} belongs to another user (uid {owner})",
                    file.display()
                )
            }
            Error::Exposed(file) => write!(f, "everybody can write {}", file.display()),
            Error::Shared(file) => write!(f, "the group of {} can write it", file.display()),
            Error::Fault(fault) => fault.fmt(f),
            Error::Inline(diagnostics) => match diagnostics.iter().find(|one| one.is_error()) {
                Some(first) => f.write_str(&first.message),
                None => f.write_str("the inline definition is not valid"),
            },
            Error::StackName => {
                f.write_str("a stack's name has letters, digits, `-`, `_` and `.` only")
            }
            Error::NoStack { stack, file: None } => {
                write!(f, "stack {stack}: there is no Pulumi.yaml here or above")
            }
            Error::NoStack {
                stack,
                file: Some(file),
            } => write!(
                f,
                "stack {stack}: open {}: no such file or directory",
                file.display()
            ),
            Error::Folder { folder, error, .. } => {
                write!(f, "open {}: {}", folder.display(), describe(error))
            }
            Error::NoFolder { tried } => {
                let tried: Vec<_> = tried.iter().map(|t| t.display().to_string()).collect();
                write!(f, "no environments folder: looked for {}", tried.join(", "))
            }
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The same error, its paths as `shown` gives them.
    #[must_use]
    pub fn with_paths(self, shown: impl Fn(&Path) -> PathBuf) -> Self {
        match self {
            Error::Read { file, error } => Error::Read {
                file: shown(&file),
                error,
            },
            Error::Foreign { file, owner } => Error::Foreign {
                file: shown(&file),
                owner,
            },
            Error::Exposed(file) => Error::Exposed(shown(&file)),
            Error::Shared(file) => Error::Shared(shown(&file)),
            Error::Fault(fault) => Error::Fault(Fault {
                file: shown(&fault.file),
                ..fault
            }),
            Error::NoStack { stack, file } => Error::NoStack {
                stack,
                file: file.as_deref().map(shown),
            },
            Error::Folder {
                folder,
                named_by,
                error,
            } => Error::Folder {
                folder: shown(&folder),
                named_by: named_by.as_deref().map(shown),
                error,
            },
            Error::NoFolder { tried } => Error::NoFolder {
                tried: tried.iter().map(|folder| shown(folder)).collect(),
            },
            Error::Text(_) | Error::Inline(_) | Error::StackName => self,
        }
    }

    /// What helps, if anything does.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Error::Foreign { file, .. } => format!(
                "if you trust it, make it yours: chown \"$USER\" {}",
                file.display()
            ),
            Error::Exposed(file) => format!("chmod o-w {}", file.display()),
            Error::Shared(file) => format!("chmod g-w {}", file.display()),
            Error::Fault(fault) => return fault.hint.clone(),
            Error::Text(error) => return error.hint(),
            Error::Inline(diagnostics) => {
                return diagnostics.iter().find(|one| one.is_error())?.hint.clone();
            }
            Error::NoStack { file: None, .. } => {
                "run it in the Pulumi project's folder, or name environments with --env".to_owned()
            }
            Error::Folder {
                named_by: Some(file),
                ..
            } => format!("make it, or correct `environments` in {}", file.display()),
            Error::Folder { named_by: None, .. } => {
                "make it, or name another with --dir".to_owned()
            }
            Error::NoFolder { .. } => {
                "make a folder `environments`, or name one with --dir or in escrun.yaml".to_owned()
            }
            Error::Read {
                file,
                error: ReadError::Io(error),
            } if error.kind() == io::ErrorKind::PermissionDenied => format!(
                "the user that reads it has to be allowed to: chmod a+r {}",
                file.display()
            ),
            Error::Read { .. } | Error::StackName | Error::NoStack { .. } => return None,
        })
    }
}
