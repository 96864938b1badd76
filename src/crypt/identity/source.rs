//! Where identities come from. Everything ambient (paths, variables, descriptors) is handed in.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::permission::{self, Verdict};
use super::read::{MAX_BYTES, read_identity};
use crate::crypt::IdentityError;
use crate::secret::Secret;
use crate::sys::fs::describe;

/// A place where identities may be. It is not looked at before a header needs it.
pub struct IdentitySource {
    name: String,
    place: Place,
    required: bool,
}

enum Place {
    File(PathBuf),
    Folder(PathBuf),
    Text(Secret),
    Reader(Box<dyn Read + Send>),
    Deferred(Box<dyn FnOnce() -> Result<Secret, String> + Send>),
}

/// What a source gave.
pub(super) struct Found {
    /// The file's path, or the source's name.
    pub(super) name: String,
    pub(super) text: Result<Secret, IdentityError>,
    pub(super) note: Option<String>,
}

impl IdentitySource {
    /// A file that was asked for: if it is missing or unusable, nothing is decrypted.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::new(path.display().to_string(), Place::File(path), true)
    }

    /// A file that is used if it is there.
    pub fn optional_file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::new(path.display().to_string(), Place::File(path), false)
    }

    /// The files in a folder, if it is there: sorted by name, without hidden files and public keys (`*.pub`).
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::new(path.display().to_string(), Place::Folder(path), false)
    }

    /// The text itself. `name` says where it is from, such as the name of a variable.
    pub fn text(name: impl Into<String>, text: Secret) -> Self {
        Self::new(name.into(), Place::Text(text), true)
    }

    /// Something that is open already, such as the standard input.
    pub fn reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self::new(name.into(), Place::Reader(Box::new(reader)), true)
    }

    /// What `give` gives (or says why not), which is only called if no identity of the other sources fits at once. It
    /// reads with [`read_identity`].
    pub fn deferred(
        name: impl Into<String>,
        give: impl FnOnce() -> Result<Secret, String> + Send + 'static,
    ) -> Self {
        Self::new(name.into(), Place::Deferred(Box::new(give)), false)
    }

    fn new(name: String, place: Place, required: bool) -> Self {
        Self {
            name,
            place,
            required,
        }
    }

    /// The file or folder that it is, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) | Place::Folder(path) => Some(path),
            Place::Text(_) | Place::Reader(_) | Place::Deferred(_) => None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_required(&self) -> bool {
        self.required
    }

    pub(super) fn read(self) -> Vec<Found> {
        let (text, note) = match self.place {
            Place::Folder(path) => return read_folder(&path),
            Place::File(path) => return vec![read_file(&path)],
            Place::Text(text) => (Ok(text), None),
            Place::Reader(mut reader) => (read_identity(&mut reader).map_err(unreadable), None),
            Place::Deferred(give) => (give().map_err(IdentityError::Unreadable), None),
        };
        let name = self.name;
        vec![Found { name, text, note }]
    }
}

fn read_folder(path: &Path) -> Vec<Found> {
    let entries = match path
        .read_dir()
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
    {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            return vec![Found {
                name: path.display().to_string(),
                text: Err(unreadable(error)),
                note: None,
            }];
        }
    };
    let mut names: Vec<_> = entries.iter().map(std::fs::DirEntry::file_name).collect();
    names.sort();
    let is_identity = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        !name.starts_with('.') && !name.ends_with('~') && !name.ends_with(".pub")
    };
    let files = names.iter().filter(|name| is_identity(name));
    let paths = files
        .map(|name| path.join(name))
        .filter(|path| path.is_file());
    paths.map(|path| read_file(&path)).collect()
}

fn read_file(path: &Path) -> Found {
    let (text, note) = match open(path) {
        Ok((file, note)) => (read_identity(file).map_err(unreadable), note),
        Err(problem) => (Err(problem), None),
    };
    Found {
        name: path.display().to_string(),
        text,
        note,
    }
}

/// Opens a file and judges its permissions, on the open file, so that nothing is exchanged in between.
fn open(path: &Path) -> Result<(File, Option<String>), IdentityError> {
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_file() && metadata.size() > MAX_BYTES as u64 {
        return Err(IdentityError::TooLong);
    }
    match permission::judge(&permission::facts(&file, &metadata)) {
        Verdict::Private => Ok((file, None)),
        Verdict::Tolerated => {
            let note = "other users can read it, which is common for mounted secrets";
            Ok((file, Some(note.to_owned())))
        }
        Verdict::Exposed => Err(IdentityError::Exposed),
    }
}

fn unreadable(error: io::Error) -> IdentityError {
    match error.kind() {
        io::ErrorKind::NotFound => IdentityError::NotFound,
        io::ErrorKind::FileTooLarge => IdentityError::TooLong,
        _ => IdentityError::Unreadable(describe(&error)),
    }
}
