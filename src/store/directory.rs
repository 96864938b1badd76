//! Definitions in folders, searched in order.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::{Error, Instead};
use super::name::EnvironmentName;
use crate::eval::{LoadError, Loaded, Loader};
use crate::source::Source;
use crate::syntax;
use crate::sys::fs::{Entry, Folder, OpenError};

/// Largest definition, in bytes: what the parser takes.
pub const MAX_DEFINITION_BYTES: u64 = syntax::MAX_BYTES as u64;

/// What is done with `NAME.local.yaml` beside a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlays {
    /// It goes over the definition: a developer's own values.
    Merged,
    /// It is not looked at, as becomes services.
    Ignored,
}

/// Folders of definitions. A name found in one hides the same name in those behind it.
#[derive(Debug)]
pub struct Directory {
    pub(super) folders: Vec<Folder>,
    overlays: Overlays,
    /// How many names have been looked for in vain.
    misses: AtomicUsize,
    /// The files that have been looked for.
    sought: Mutex<BTreeSet<PathBuf>>,
}

impl Directory {
    /// Opens the folders, which are searched in this order.
    ///
    /// # Errors
    /// When one of them is not to be opened.
    pub fn open(
        folders: impl IntoIterator<Item = impl AsRef<Path>>,
        overlays: Overlays,
    ) -> Result<Self, Error> {
        let open = |folder: &Path| {
            Folder::open(folder).map_err(|error| Error::Folder {
                folder: folder.to_owned(),
                error,
            })
        };
        let folders = folders.into_iter().map(|folder| open(folder.as_ref()));
        Ok(Self {
            folders: folders.collect::<Result<_, _>>()?,
            overlays,
            misses: AtomicUsize::new(0),
            sought: Mutex::default(),
        })
    }

    /// As [`Self::open`], but without the folders that do not exist.
    ///
    /// # Errors
    /// When one that exists is not to be opened.
    pub fn open_existing(
        folders: impl IntoIterator<Item = impl AsRef<Path>>,
        overlays: Overlays,
    ) -> Result<Self, Error> {
        let exists = |folder: &Path| match folder.metadata() {
            Err(error) => !is_absence(&error),
            Ok(_) => true,
        };
        let folders = folders.into_iter();
        Self::open(folders.filter(|folder| exists(folder.as_ref())), overlays)
    }

    /// Names no environment besides the one that was looked for: who asks may not know which there are.
    #[must_use]
    pub fn without_suggestions(mut self) -> Self {
        self.misses = AtomicUsize::new(MAX_HINTS);
        self
    }

    /// Finds an environment's definition, for reading it or seeing that it is the one that was read. Looks for no
    /// overlay.
    ///
    /// # Errors
    /// As [`Self::load_named`].
    pub fn look_up(&self, name: &EnvironmentName) -> Result<Found<'_>, Error> {
        let (folder, entry) = self.find(name)?;
        Ok(Found {
            folder,
            entry,
            name: name.clone(),
        })
    }

    /// Loads an environment's definition, and its overlay where these are merged.
    ///
    /// # Errors
    /// When there is none, or it is not to be read; a definition that is there but unreadable is never passed over for
    /// one in a folder behind.
    pub fn load_named(&self, name: &EnvironmentName) -> Result<Loaded, Error> {
        let (folder, entry) = self.find(name)?;
        let definition = read(folder, &name.definition(), entry, name.as_str())?;
        let local = match self.overlays {
            Overlays::Ignored => None,
            Overlays::Merged => {
                let path = name.overlay();
                self.open_file(folder, &path, name)?
                    .map(|entry| read(folder, &path, entry, &format!("{name}.local")))
                    .transpose()?
            }
        };
        Ok(Loaded { definition, local })
    }

    /// The file of an environment's definition.
    ///
    /// # Errors
    /// When there is none, or it is not to be opened.
    pub fn path_of(&self, name: &EnvironmentName) -> Result<PathBuf, Error> {
        let (folder, _) = self.find(name)?;
        Ok(folder.path().join(name.definition()))
    }

    /// The first folder that has the definition, and the open file.
    pub(super) fn find(&self, name: &EnvironmentName) -> Result<(&Folder, Entry), Error> {
        let path = name.definition();
        for folder in &self.folders {
            if let Some(entry) = self.open_file(folder, &path, name)? {
                return Ok((folder, entry));
            }
        }
        Err(self.not_found(name))
    }

    /// Every file that has been looked for, found or not: were one of them different, so might be what was loaded.
    pub fn sought(&self) -> BTreeSet<PathBuf> {
        self.sought
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Opens `path` in `folder`; nothing if there is nothing.
    fn open_file(
        &self,
        folder: &Folder,
        path: &Path,
        name: &EnvironmentName,
    ) -> Result<Option<Entry>, Error> {
        let mut sought = self.sought.lock().unwrap_or_else(PoisonError::into_inner);
        sought.insert(folder.path().join(path));
        drop(sought);
        open(folder, path, name)
    }

    fn not_found(&self, name: &EnvironmentName) -> Error {
        let paths = || self.folders.iter().map(|folder| folder.path().to_owned());
        let yml = paths()
            .map(|folder| folder.join(format!("{name}.yml")))
            .find(|file| file.exists());
        let found = match yml {
            Some(file) => Instead::Yml(file),
            None => self.instead_of(name),
        };
        Error::NotFound {
            name: name.clone(),
            folders: paths().collect(),
            found,
        }
    }

    fn instead_of(&self, name: &EnvironmentName) -> Instead {
        // Nobody reads hundreds of hints, and each of them lists the folders.
        if self.misses.fetch_add(1, Ordering::Relaxed) >= MAX_HINTS {
            return Instead::Nothing;
        }
        // Only for a hint: what cannot be listed gives none.
        let listing = self.list().unwrap_or_default();
        let names = || listing.environments.iter().map(|listed| &listed.name);
        let below = format!("{name}/");
        let below: Vec<_> = names()
            .filter(|other| other.as_str().starts_with(&below))
            .take(MAX_SUGGESTIONS)
            .cloned()
            .collect();
        if !below.is_empty() {
            return Instead::Below(below);
        }
        let mut similar: Vec<_> = names()
            .filter_map(|other| Some((unlikeness(name.as_str(), other.as_str())?, other)))
            .collect();
        similar.sort();
        similar.dedup();
        if similar.is_empty() {
            return Instead::Nothing;
        }
        let similar = similar.into_iter().map(|(_, other)| other.clone());
        Instead::Similar(similar.take(MAX_SUGGESTIONS).collect())
    }
}

/// A definition that was found and not read.
#[derive(Debug)]
pub struct Found<'d> {
    folder: &'d Folder,
    entry: Entry,
    name: EnvironmentName,
}

impl Found<'_> {
    /// What the system knows of the file.
    ///
    /// # Errors
    /// What fstat(2) says.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.entry.metadata()
    }

    /// The path of the file.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(self.name.definition())
    }

    /// The environment whose definition, or overlay, the file is by its place, if it is another's than was looked for: it
    /// was found by a link.
    pub fn owner(&self) -> Option<EnvironmentName> {
        let place = self.folder.place_of(&self.entry, &self.name.definition())?;
        let owner = EnvironmentName::of_file(&place)?;
        (owner != self.name).then_some(owner)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    pub fn read(self) -> Result<Arc<Source>, Error> {
        let path = self.name.definition();
        read(self.folder, &path, self.entry, self.name.as_str())
    }
}

const MAX_SUGGESTIONS: usize = 3;

/// How many names that are not found get suggestions.
const MAX_HINTS: usize = 20;

/// How unlike two names are, if they are like enough that one may be meant by the other.
fn unlikeness(typed: &str, other: &str) -> Option<usize> {
    let (typed, other) = (typed.to_lowercase(), other.to_lowercase());
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let distance = strsim::damerau_levenshtein(&typed, &other);
    let alike = distance <= 1 + typed.chars().count() / 4
        || last(&typed) == last(&other)
        || (typed.len() >= 3 && other.starts_with(&typed));
    alike.then_some(distance)
}

impl Loader for Directory {
    fn load(&self, name: &str) -> Result<Loaded, LoadError> {
        let load = || {
            let parsed = name.parse().map_err(|error| Error::Name {
                name: name.to_owned(),
                error,
            })?;
            self.load_named(&parsed)
        };
        load().map_err(|error| LoadError {
            message: error.to_string(),
            hint: error.hint(),
        })
    }
}

/// Opens `path` in `folder`; nothing if there is nothing.
fn open(folder: &Folder, path: &Path, name: &EnvironmentName) -> Result<Option<Entry>, Error> {
    let file = || folder.path().join(path);
    match folder.open_beneath(path) {
        Ok(entry) => Ok(Some(entry)),
        Err(OpenError::Outside) => Err(Error::Outside {
            link: link_outside(folder.path(), path),
            file: file(),
        }),
        Err(OpenError::Io(error)) if is_absence(&error) => {
            // A link to nowhere is a definition that got lost, not one that never was.
            if file().is_symlink() {
                return Err(Error::NotFound {
                    name: name.clone(),
                    folders: vec![folder.path().to_owned()],
                    found: Instead::Dangling(file()),
                });
            }
            Ok(None)
        }
        Err(OpenError::Io(error)) => Err(Error::Open {
            file: file(),
            error,
        }),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The first link on the way to `path` that leads out of `folder`, and where it points to. For the message alone.
pub(super) fn link_outside(folder: &Path, path: &Path) -> Option<(PathBuf, PathBuf)> {
    let inside = folder.canonicalize().ok()?;
    let mut way = folder.to_owned();
    for component in path.components() {
        way.push(component);
        let Ok(target) = way.read_link() else {
            continue;
        };
        let leads_out = way
            .canonicalize()
            .map_or(true, |end| !end.starts_with(&inside));
        if target.is_absolute() || leads_out {
            return Some((way, target));
        }
    }
    None
}

fn read(folder: &Folder, path: &Path, entry: Entry, name: &str) -> Result<Arc<Source>, Error> {
    let file = folder.path().join(path);
    match entry.read(MAX_DEFINITION_BYTES) {
        Ok(bytes) => {
            let text = decode(bytes, &file)?;
            Ok(Source::new(name, Some(file), text))
        }
        Err(error) => Err(Error::Read { file, error }),
    }
}

/// The bytes of `file` as text.
pub(crate) fn decode(bytes: Vec<u8>, file: &Path) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let valid = String::from_utf8_lossy(&bytes[..offset]);
        let line = valid.rsplit('\n').next().unwrap_or_default();
        Error::NotUtf8 {
            file: file.to_owned(),
            line: valid.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            offset,
            utf16: bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]),
        }
    })
}

#[cfg(test)]
mod tests;
