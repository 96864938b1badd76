//! What environments there are.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::error::Error;
use super::name::{EXTENSION, EnvironmentName, LOCAL};
use crate::sys::fs::{FileKind, Folder, OpenError, describe};

/// The environments of all folders.
#[derive(Debug, Default)]
pub struct Listing {
    /// By name; of those with one name, the one that is loaded first.
    pub environments: Vec<Listed>,
    /// What looks like a definition or a folder of them, but is none that can be loaded.
    pub skipped: Vec<Skipped>,
}

/// One environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name.
    pub name: EnvironmentName,
    /// Which of the folders it stands in, from 0.
    pub folder: usize,
    /// Its definition.
    pub file: PathBuf,
    /// The overlay beside it, if there is one.
    pub overlay: Option<PathBuf>,
    /// Whether one of the same name in an earlier folder is loaded instead.
    pub hidden: bool,
}

/// Something that was passed over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The file, link or folder.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

impl Directory {
    /// Lists all environments, those in sub-folders included. Passes over hidden files and the project's own
    /// (`escrun.yaml`, `Pulumi.yaml` and the like).
    ///
    /// # Errors
    /// When one of the folders cannot be listed; for sub-folders that is told in the listing.
    pub fn list(&self) -> Result<Listing, Error> {
        let mut listing = Listing::default();
        let mut names = HashSet::new();
        for (index, folder) in self.folders.iter().enumerate() {
            let walk = Walk::through(folder).map_err(|error| Error::Folder {
                folder: folder.path().to_owned(),
                error,
            })?;
            walk.conclude(index, &mut listing);
            for listed in &mut listing.environments {
                if listed.folder == index {
                    listed.hidden = !names.insert(listed.name.clone());
                }
            }
        }
        listing.environments.sort();
        listing.skipped.sort();
        Ok(listing)
    }
}

/// A walk through one folder.
struct Walk<'a> {
    folder: &'a Folder,
    definitions: BTreeMap<EnvironmentName, PathBuf>,
    overlays: BTreeMap<String, PathBuf>,
    skipped: Vec<Skipped>,
    /// Links, looked at when all real folders are known.
    links: Vec<PathBuf>,
    /// Device and inode of the folders walked: each is listed once, however many links lead to it.
    visited: HashSet<(u64, u64)>,
}

impl<'a> Walk<'a> {
    fn through(folder: &'a Folder) -> std::io::Result<Self> {
        let mut walk = Self {
            folder,
            definitions: BTreeMap::new(),
            overlays: BTreeMap::new(),
            skipped: Vec::new(),
            links: Vec::new(),
            visited: HashSet::new(),
        };
        let mut folders = Vec::new();
        walk.list(Path::new(""), &mut folders)?;
        loop {
            while let Some(path) = folders.pop() {
                if let Err(error) = walk.list(&path, &mut folders) {
                    walk.skip(&path, describe(&error));
                }
            }
            let Some(link) = walk.links.pop() else {
                return Ok(walk);
            };
            if let Some(path) = walk.follow(link) {
                folders.push(path);
            }
        }
    }

    /// Lists one folder; those in it are added to `folders`.
    fn list(&mut self, path: &Path, folders: &mut Vec<PathBuf>) -> std::io::Result<()> {
        let absolute = self.folder.path().join(path);
        let metadata = fs::metadata(&absolute)?;
        if !self.visited.insert((metadata.dev(), metadata.ino())) {
            return Ok(());
        }
        for entry in fs::read_dir(&absolute)? {
            let entry = entry?;
            let name = entry.file_name();
            let path = path.join(&name);
            let Some(name) = name.to_str() else {
                self.skip(&path, "its name is not UTF-8");
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                self.links.push(path);
            } else if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                self.add(path);
            } else if name.ends_with(EXTENSION) {
                self.skip(&path, "is not a regular file");
            }
        }
        Ok(())
    }

    /// Sees where a link leads; returns it if that is a folder.
    fn follow(&mut self, link: PathBuf) -> Option<PathBuf> {
        let reason = match self.folder.open_beneath(&link) {
            Ok(entry) => match entry.metadata().map(|metadata| FileKind::of(&metadata)) {
                Ok(FileKind::Directory) => return Some(link),
                Ok(FileKind::Regular) => {
                    self.add(link);
                    return None;
                }
                Ok(kind) => format!("is {kind}, not a regular file"),
                Err(error) => describe(&error),
            },
            Err(OpenError::Outside) => "the link leads out of the environments folder".to_owned(),
            Err(OpenError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                "the link leads nowhere".to_owned()
            }
            Err(OpenError::Io(error)) => describe(&error),
        };
        self.skip(&link, reason);
        None
    }

    fn add(&mut self, path: PathBuf) {
        let Some(text) = path.to_str() else {
            return self.skip(&path, "its path is not UTF-8");
        };
        if text.ends_with(".yml") {
            return self.skip(&path, "definitions end with .yaml");
        }
        let Some(stem) = text.strip_suffix(EXTENSION) else {
            return;
        };
        if is_project_file(stem) {
            return;
        }
        if let Some(name) = stem.strip_suffix(LOCAL) {
            self.overlays.insert(name.to_owned(), path);
            return;
        }
        match stem.parse() {
            Ok(name) => {
                self.definitions.insert(name, path);
            }
            Err(error) => {
                let error: super::NameError = error;
                self.skip(&path, error.to_string());
            }
        }
    }

    fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        self.skipped.push(Skipped {
            path: self.folder.path().join(path),
            reason: reason.into(),
        });
    }

    fn conclude(mut self, folder: usize, listing: &mut Listing) {
        for (name, file) in std::mem::take(&mut self.definitions) {
            let overlay = self.overlays.remove(name.as_str());
            listing.environments.push(Listed {
                file: self.folder.path().join(file),
                overlay: overlay.map(|file| self.folder.path().join(file)),
                name,
                folder,
                hidden: false,
            });
        }
        for (name, file) in std::mem::take(&mut self.overlays) {
            self.skip(
                &file,
                format!("there is no {name}{EXTENSION} for it to go over"),
            );
        }
        listing.skipped.append(&mut self.skipped);
    }
}

/// Whether a file is the project's own: `escrun.yaml`, `Pulumi.yaml`, `Pulumi.STACK.yaml`.
fn is_project_file(stem: &str) -> bool {
    let name = stem.rsplit('/').next().unwrap_or_default();
    let first = name.split('.').next().unwrap_or_default();
    name == "escrun" || name == "pulumi" || first == "Pulumi"
}

#[cfg(test)]
mod tests;
