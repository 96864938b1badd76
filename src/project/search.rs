//! Finding files of settings from a working directory upwards.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::store::{MAX_DEFINITION_BYTES, decode};
use crate::sys::fs::{ReadError, read_file};

/// A file of settings.
#[derive(Debug)]
pub struct SettingsFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// Who but its owner may write a file that decides what runs or what is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// Its group.
    Group,
    /// Nobody.
    None,
}

impl SettingsFile {
    /// Reads the file at `path`, whoever it belongs to.
    ///
    /// # Errors
    /// When it is not to be read or no text.
    pub fn read(path: PathBuf) -> Result<(Self, Metadata), Error> {
        match read_file(&path, MAX_DEFINITION_BYTES) {
            Ok((bytes, metadata)) => {
                let text = decode(bytes, &path).map_err(Error::Text)?;
                Ok((Self { path, text }, metadata))
            }
            Err(error) => Err(Error::Read { file: path, error }),
        }
    }

    /// Reads the file at `path`, if there is one, which must belong to `user` or to root.
    pub(super) fn read_own(path: PathBuf, user: u32) -> Result<Option<(Self, Metadata)>, Error> {
        let link = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if is_out_of_sight(&error) => return Ok(None),
            Err(error) => {
                let error = ReadError::Io(error);
                return Err(Error::Read { file: path, error });
            }
        };
        check_owner(&path, &link, user)?;
        let (file, metadata) = Self::read(path)?;
        check_owner(&file.path, &metadata, user)?;
        Ok(Some((file, metadata)))
    }

    /// Reads the file at `path`, if there is one, which must belong to `user` or to root and which nobody else may write
    /// but `writers`.
    ///
    /// # Errors
    /// When it is not to be read, is another user's, or others can write it.
    pub fn read_guarded(path: PathBuf, user: u32, writers: Writers) -> Result<Option<Self>, Error> {
        const OTHERS_WRITE: u32 = 0o002;
        const GROUP_WRITES: u32 = 0o020;

        let Some((file, metadata)) = Self::read_own(path, user)? else {
            return Ok(None);
        };
        if metadata.mode() & OTHERS_WRITE != 0 {
            return Err(Error::Exposed(file.path));
        }
        if writers == Writers::None && metadata.mode() & GROUP_WRITES != 0 {
            return Err(Error::Shared(file.path));
        }
        Ok(Some(file))
    }

    /// The folder that it stands in.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// Not there, or in a folder above that this user may not look into.
fn is_out_of_sight(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};

    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}

/// Whoever can put a file into a folder above (`/tmp` for one) would else decide what others run with.
fn check_owner(file: &Path, metadata: &Metadata, user: u32) -> Result<(), Error> {
    let owner = metadata.uid();
    if owner == user || owner == 0 {
        return Ok(());
    }
    Err(Error::Foreign {
        file: file.to_owned(),
        owner,
    })
}

/// The nearest file with one of `names`, from the folder `start` up to `/`. Mount points do not stop the search: a
/// container's working directory is often one.
pub(super) fn upwards(
    start: &Path,
    names: &[&str],
    user: u32,
) -> Result<Option<SettingsFile>, Error> {
    for folder in start.ancestors() {
        for name in names {
            if let Some((file, _)) = SettingsFile::read_own(folder.join(name), user)? {
                return Ok(Some(file));
            }
        }
    }
    Ok(None)
}
