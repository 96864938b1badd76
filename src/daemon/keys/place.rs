//! Where the daemon's identities are, to be read as often as it is unlocked.

use std::path::{Path, PathBuf};

use crate::crypt::IdentitySource;

/// A place of identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityPlace {
    /// A file that was named: that it is missing is a fault.
    File(PathBuf),
    /// A file that is used if it is there, such as a credential.
    OptionalFile(PathBuf),
    /// The files of a folder, if it is there.
    Folder(PathBuf),
}

impl IdentityPlace {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::OptionalFile(path) | Self::Folder(path) => path,
        }
    }

    pub(super) fn source(&self) -> IdentitySource {
        match self {
            Self::File(path) => IdentitySource::file(path),
            Self::OptionalFile(path) => IdentitySource::optional_file(path),
            Self::Folder(path) => IdentitySource::folder(path),
        }
    }
}
