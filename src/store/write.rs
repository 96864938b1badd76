//! Writing definitions: new ones, and changed ones in place of the text that the change was made from.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::directory::{Directory, link_outside};
use super::error::{Error, Instead};
use super::name::EnvironmentName;
use crate::sys::fs::{Expected, Folder, ReplaceError, replace_file};

/// Mode of new definitions: their secrets are encrypted, and services of other users read them.
const DEFINITION_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;

impl Directory {
    /// Creates a definition in the first folder, sub-folders included, and returns its file.
    ///
    /// # Errors
    /// When there is one of that name, or it cannot be written.
    pub fn create(&self, name: &EnvironmentName, text: &str) -> Result<PathBuf, Error> {
        let Some(folder) = self.folders.first() else {
            return Err(Error::NotFound {
                name: name.clone(),
                folders: Vec::new(),
                found: Instead::Nothing,
            });
        };
        let file = folder.path().join(name.definition());
        let parent = make_parent(folder, &name.definition())?;
        let target = match file.file_name() {
            Some(last) => parent.join(last),
            None => file.clone(),
        };
        let expected = Expected::Absent {
            mode: DEFINITION_MODE,
        };
        replace_file(&target, text.as_bytes(), expected)
            .map_err(|error| write_error(&file, error))?;
        Ok(file)
    }

    /// Replaces a definition's text by `new`, if it is still `old`, and returns its file. Where that is a link, what it
    /// leads to is written and the link stays.
    ///
    /// # Errors
    /// [`ReplaceError::Changed`] when another one wrote it meanwhile; others when it cannot be written. The file is as it
    /// was then.
    pub fn replace(&self, name: &EnvironmentName, old: &str, new: &str) -> Result<PathBuf, Error> {
        let (folder, _) = self.find(name)?;
        let file = folder.path().join(name.definition());
        let target = beneath(folder, &name.definition(), &file)?;
        replace_file(&target, new.as_bytes(), Expected::Content(old.as_bytes()))
            .map_err(|error| write_error(&file, error))?;
        Ok(file)
    }
}

fn write_error(file: &Path, error: ReplaceError) -> Error {
    Error::Write {
        file: file.to_owned(),
        error,
    }
}

/// Where `path` really leads, which must be in `folder`.
fn beneath(folder: &Folder, path: &Path, file: &Path) -> Result<PathBuf, Error> {
    let failed = |error| Error::Open {
        file: file.to_owned(),
        error,
    };
    let inside = folder.path().canonicalize().map_err(failed)?;
    let target = inside.join(path).canonicalize().map_err(failed)?;
    if target.starts_with(&inside) {
        return Ok(target);
    }
    Err(Error::Outside {
        file: file.to_owned(),
        link: link_outside(folder.path(), path),
    })
}

/// Makes the folder that `path` is to stand in, and returns where it really is.
fn make_parent(folder: &Folder, path: &Path) -> Result<PathBuf, Error> {
    let file = folder.path().join(path);
    let mut way = PathBuf::new();
    for component in path.parent().unwrap_or(Path::new("")).components() {
        way.push(component);
        let made = folder.path().join(&way);
        match fs::create_dir(&made) {
            // By chmod, so that the umask has no say: others are to read what stands there.
            Ok(()) => fs::set_permissions(&made, PermissionsExt::from_mode(FOLDER_MODE)),
            // Before the next folder is made, so that none is made behind a link that leads out.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                beneath(folder, &way, &file)?;
                Ok(())
            }
            Err(error) => Err(error),
        }
        .map_err(|error| write_error(&file, ReplaceError::Io("make its folder", error)))?;
    }
    beneath(folder, &way, &file)
}

#[cfg(test)]
mod tests;
