//! The files that providers have read for a list of environments, and whether they are still the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::document::Stamp;

/// How many files of a list are watched.
const MOST_FILES: usize = 1000;

/// Tells a list of environments from itself after a change of files that providers read.
pub(super) type Salt = [u8; 32];

/// The files that providers have read.
#[derive(Clone, Debug, Default)]
pub(super) struct Provision {
    files: BTreeMap<PathBuf, Option<Stamp>>,
    /// None until one of them has changed: what was never seen to change makes no revision another.
    salt: Option<Salt>,
}

impl Provision {
    /// Adds files that have been read just now.
    pub(super) fn add(&mut self, files: &BTreeSet<PathBuf>) {
        for file in files {
            if self.files.len() < MOST_FILES && !self.files.contains_key(file) {
                self.files.insert(file.clone(), stamp(file));
            }
        }
    }

    /// The files.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.keys()
    }

    /// What makes a revision another one.
    pub(super) fn salt(&self) -> Option<&Salt> {
        self.salt.as_ref()
    }

    /// The same files as they are now.
    pub(super) fn looked_at(&self) -> Self {
        let files = self.files.keys();
        let files: BTreeMap<_, _> = files.map(|file| (file.clone(), stamp(file))).collect();
        let salt = match files == self.files {
            true => self.salt,
            false => Some(salt(&files)),
        };
        Self { files, salt }
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    Stamp::of(&file.metadata().ok()?)
}

fn salt(files: &BTreeMap<PathBuf, Option<Stamp>>) -> Salt {
    // The form is nobody's business: it is compared with itself, while this process runs.
    Sha256::digest(format!("{files:?}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_makes_a_difference() {
        let scratch = tempfile::tempdir().expect("a folder");
        let (file, missing) = (scratch.path().join("file"), scratch.path().join("missing"));
        std::fs::write(&file, "1").expect("a file");
        // Until its stamp tells.
        while stamp(&file).is_none() {}
        let mut provision = Provision::default();
        provision.add(&[file.clone(), missing.clone()].into());
        assert_eq!(provision.files().count(), 2);
        assert_eq!(provision.looked_at().salt(), None);
        std::fs::write(&missing, "1").expect("a file");
        while stamp(&missing).is_none() {}
        let changed = provision.looked_at();
        assert!(changed.salt().is_some());
        assert_eq!(changed.looked_at().salt(), changed.salt());
        std::fs::remove_file(&file).expect("removed");
        assert_ne!(changed.looked_at().salt(), changed.salt());
    }
}
