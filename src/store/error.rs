//! What may go wrong with definitions in folders, and what helps.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::name::{EXTENSION, EnvironmentName, NameError};
use crate::sys::fs::{ReadError, ReplaceError, describe, staging_name};

/// Why a definition was not found, read or written.
#[derive(Debug)]
pub enum Error {
    /// The text is no name.
    Name {
        /// The text.
        name: String,
        /// Why not.
        error: NameError,
    },
    /// The environments folder is not to be opened.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// No folder has the definition.
    NotFound {
        /// The environment.
        name: EnvironmentName,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
        /// What is there instead.
        found: Instead,
    },
    /// A link leads out of the environments folder.
    Outside {
        /// The file that was to be opened.
        file: PathBuf,
        /// The link on its way, and where that leads.
        link: Option<(PathBuf, PathBuf)>,
    },
    /// The system refused to open it.
    Open {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It was opened but not read.
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: ReadError,
    },
    /// It is no UTF-8.
    NotUtf8 {
        /// The file.
        file: PathBuf,
        /// Line of the first wrong byte, from 1.
        line: usize,
        /// Its column in code points, from 1.
        column: usize,
        /// Its offset in bytes, from 0.
        offset: usize,
        /// Whether the text looks like UTF-16.
        utf16: bool,
    },
    /// It was not written.
    Write {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: ReplaceError,
    },
}

/// What there is instead of a definition that was not found.
#[derive(Debug)]
pub enum Instead {
    /// Nothing that could be meant.
    Nothing,
    /// A link that leads nowhere.
    Dangling(PathBuf),
    /// A file with the extension `.yml`.
    Yml(PathBuf),
    /// Environments with names that look like it, the likeliest first.
    Similar(Vec<EnvironmentName>),
    /// A folder of that name with these environments.
    Below(Vec<EnvironmentName>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Name { name, error } => write!(f, "{name:?}: {error}"),
            Error::Folder { folder, error } => {
                write!(f, "open {}: {}", folder.display(), describe(error))
            }
            Error::NotFound {
                found: Instead::Dangling(link),
                ..
            } => write!(f, "open {}: the link leads nowhere", link.display()),
            Error::NotFound { name, folders, .. } => match folders.as_slice() {
                [] => write!(f, "open {name}{EXTENSION}: there is no environments folder"),
                [folder] => {
                    let file = folder.join(name.definition());
                    write!(f, "open {}: no such file or directory", file.display())
                }
                folders => {
                    let folders: Vec<_> = folders.iter().map(|f| f.display().to_string()).collect();
                    let folders = folders.join(", ");
                    write!(
                        f,
                        "open {name}{EXTENSION}: no such file or directory in {folders}"
                    )
                }
            },
            Error::Outside { file, link } => {
                write!(f, "open {}: ", file.display())?;
                match link {
                    Some((link, target)) => write!(
                        f,
                        "the link {} leads out of the environments folder, to {}",
                        link.display(),
                        target.display()
                    ),
                    None => f.write_str("leads out of the environments folder"),
                }
            }
            Error::Open { file, error } => {
                write!(f, "open {}: {}", file.display(), describe(error))
            }
            Error::Read { file, error } => write!(f, "read {}: {error}", file.display()),
            Error::NotUtf8 {
                file,
                line,
                column,
                offset,
                ..
            } => write!(
                f,
                "{}:{line}:{column}: not UTF-8, at byte {offset}",
                file.display()
            ),
            Error::Write { file, error } => write!(f, "write {}: {error}", file.display()),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// What helps, if anything does.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Name { error, .. } => error.hint().map(str::to_owned),
            Error::Folder { .. } => {
                Some("name an existing folder with --dir or in escrun.yaml".to_owned())
            }
            Error::NotFound {
                name,
                folders,
                found,
            } => not_found_hint(name, folders, found),
            Error::Outside { .. } => Some(
                "put the file itself there, make the link relative and inside, or add the other folder with --dir"
                    .to_owned(),
            ),
            Error::Open { file, error } if error.kind() == io::ErrorKind::PermissionDenied => {
                Some(format!(
                    "its owner can let you read it, and enter {}; a daemon can give it to you without that",
                    file.parent().unwrap_or(file).display()
                ))
            }
            Error::NotUtf8 { utf16, .. } => Some(if *utf16 {
                "it looks like UTF-16: save it as UTF-8".to_owned()
            } else {
                "save it as UTF-8".to_owned()
            }),
            Error::Write { file, error } => write_hint(file, error),
            Error::Open { .. } | Error::Read { .. } => None,
        }
    }
}

fn not_found_hint(name: &EnvironmentName, folders: &[PathBuf], found: &Instead) -> Option<String> {
    Some(match found {
        Instead::Dangling(_) => "put back what it points to, or remove the link".to_owned(),
        Instead::Yml(file) => format!("rename {} to end with .yaml", file.display()),
        Instead::Similar(names) => format!("did you mean {}?", listed(names)),
        Instead::Below(names) => format!("{name} is a folder: name {}", listed(names)),
        Instead::Nothing if folders.is_empty() => {
            "make a folder `environments`, or name one with --dir".to_owned()
        }
        Instead::Nothing => match name.as_str().split_once('@') {
            Some((plain, _)) => format!("environments in files have no versions: name {plain}"),
            None => "list what there is with `escrun ls`".to_owned(),
        },
    })
}

fn listed(names: &[EnvironmentName]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(" or ")
}

fn write_hint(file: &Path, error: &ReplaceError) -> Option<String> {
    Some(match error {
        ReplaceError::Changed => "look at the new text and do it again".to_owned(),
        ReplaceError::Exists => "choose another name, or edit the file that is there".to_owned(),
        ReplaceError::Busy => format!(
            "try again; if nothing is writing there, remove {}",
            file.with_file_name(staging_name(file.file_name()?))
                .display()
        ),
        ReplaceError::ReadOnly => format!("chmod u+w {}", file.display()),
        ReplaceError::Owner => "do it as the user that it belongs to".to_owned(),
        _ => return None,
    })
}
