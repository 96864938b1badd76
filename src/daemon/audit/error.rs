//! Why an audit cannot be opened, and what helps.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::sys::accounts::Account;
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
        /// The user that this process acts as, by id.
        user: u32,
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
            // The service would no longer be able to write what is given to root.
            Self::Foreign { owner, user: 0, .. } => {
                let owner = name(*owner);
                Some(format!(
                    "it is for a daemon that runs as {owner}: start that by systemctl start escrun, or this one as that \
                     user, as with sudo -u {owner}"
                ))
            }
            Self::Foreign { file, user, .. } => Some(format!(
                "name another file with --audit, or give it to the daemon's user: chown {} {}",
                name(*user),
                file.display()
            )),
            Self::Exposed(file) => Some(format!("chmod go-w {}", file.display())),
            Self::Busy(_) => Some(
                "a daemon with this audit runs already, as escrun status may tell; name another file for one more"
                    .to_owned(),
            ),
        }
    }
}

/// A user by name, if there is one of that number, as chown(1) takes it.
fn name(user: u32) -> String {
    match Account::numbered(user) {
        Ok(Some(account)) => account.name,
        _ => user.to_string(),
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
            Self::Foreign { file, owner, .. } => write!(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_does_not_take_away_what_a_service_writes() {
        let hint = |owner, user| {
            let file = PathBuf::from("/a");
            let error = Error::Foreign { file, owner, user };
            error.hint().expect("a hint")
        };
        let service = u32::MAX - 7;
        let told = hint(service, 0);
        assert!(
            told.contains("systemctl start escrun") && !told.contains("chown"),
            "{told}"
        );
        assert!(told.ends_with(&format!("sudo -u {service}")), "{told}");
        assert!(hint(0, service).ends_with(&format!("chown {service} /a")));
    }
}
