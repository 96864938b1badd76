//! Which definitions the user has declared to be trusted, each as it was then.
//!
//! A trusted definition may run the programs that it names, and so trusts these as well, wherever they lie.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::encode::hexadecimal;
use crate::source::Source;
use crate::sys::fs::{Expected, replace_file};

/// What identifies a definition: its text, and the file that it stands in, since in another folder the same text may
/// run other programs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// The digest of a definition.
    pub fn of(definition: &Source) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"escrun trust 1\0");
        match definition.file() {
            // However the file is reached, it is the same one.
            Some(file) => {
                let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
                hash.update(b"file\0");
                hash.update(file.as_os_str().as_encoded_bytes());
            }
            None => {
                hash.update(b"name\0");
                hash.update(definition.name().as_bytes());
            }
        }
        hash.update(b"\0");
        hash.update(definition.text());
        Self(hexadecimal(&hash.finalize()))
    }
}

/// Renders as hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digests of all trusted definitions.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    digests: BTreeSet<Digest>,
}

impl Trusted {
    /// Reads the store `file`, which need not exist. Each of its lines is a digest and, for people, the file it was of.
    ///
    /// # Errors
    /// When it cannot be read, or others than the user could have written it.
    pub fn read(file: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let metadata = fs::metadata(file)?;
        let user = nix::unistd::geteuid().as_raw();
        if metadata.permissions().mode() & 0o022 != 0
            || (metadata.uid() != user && metadata.uid() != 0)
        {
            let reason = format!(
                "{} can be written by others, so nothing in it is trusted",
                file.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        }
        let digests = text
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        let is_digest =
            |text: &&str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(Self {
            digests: digests
                .filter(is_digest)
                .map(|digest| Digest(digest.to_owned()))
                .collect(),
        })
    }

    /// Trusts a definition as it is now.
    pub fn insert(&mut self, definition: &Source) {
        self.digests.insert(Digest::of(definition));
    }

    /// Whether a definition is trusted as it is now.
    pub fn contains(&self, definition: &Source) -> bool {
        // Most have no one to trust, and need no digest.
        !self.digests.is_empty() && self.digests.contains(&Digest::of(definition))
    }
}

/// Adds a definition to the store `file`, which is made, with its folder, if it does not exist.
///
/// # Errors
/// When the store cannot be read or written.
pub fn add(file: &Path, definition: &Source) -> io::Result<()> {
    if Trusted::read(file)?.contains(definition) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    // A name with a line feed in it would look like another entry.
    let name = match definition.file() {
        Some(file) => fs::canonicalize(file)?.display().to_string(),
        None => definition.display_name(),
    };
    let name = name.replace(char::is_control, " ");
    let line = format!("{} {name}\n", Digest::of(definition));
    let mut store = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    // One write, so that two who add at once both stay whole.
    store.write_all(line.as_bytes())?;
    store.sync_all()
}

/// Takes a definition out of the store `file`. Returns whether it was in it.
///
/// # Errors
/// When the store cannot be read or written.
pub fn remove(file: &Path, definition: &Source) -> io::Result<bool> {
    if !Trusted::read(file)?.contains(definition) {
        return Ok(false);
    }
    let digest = Digest::of(definition).to_string();
    let old = fs::read_to_string(file)?;
    let kept: Vec<&str> = old
        .lines()
        .filter(|line| !line.starts_with(&digest))
        .collect();
    let new: String = kept.iter().flat_map(|line| [line, "\n"]).collect();
    replace_file(file, new.as_bytes(), Expected::Content(old.as_bytes()))
        .map_err(io::Error::other)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_trusted_as_it_was_and_where_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("state/escrun/trusted");
        let file = folder.path().join("a.yaml");
        fs::write(&file, "x").expect("written");
        let definition = Source::new("a", Some(file.clone()), "text");
        assert!(
            !Trusted::read(&store)
                .expect("no store")
                .contains(&definition)
        );
        add(&store, &definition).expect("added");
        add(&store, &definition).expect("added again");
        let trusted = Trusted::read(&store).expect("a store");
        assert!(trusted.contains(&definition));
        assert_eq!(
            fs::read_to_string(&store).expect("a store").lines().count(),
            1
        );
        assert_eq!(
            fs::metadata(&store).expect("a store").permissions().mode() & 0o777,
            0o600
        );
        let others = [
            Source::new("a", Some(file), "text "),
            Source::new("a", Some(folder.path().join("b.yaml")), "text"),
            Source::new("a", None, "text"),
        ];
        for other in others {
            assert!(!trusted.contains(&other));
        }
    }

    #[test]
    fn the_way_to_a_file_does_not_matter() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.yaml");
        fs::write(&file, "x").expect("written");
        let again = folder
            .path()
            .join("../")
            .join(folder.path().file_name().expect("a name"))
            .join("a.yaml");
        let digest = |file| Digest::of(&Source::new("a", Some(file), "x"));
        assert_eq!(digest(file), digest(again));
    }

    #[test]
    fn a_store_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("trusted");
        fs::write(&store, "").expect("written");
        fs::set_permissions(&store, fs::Permissions::from_mode(0o666)).expect("set");
        assert!(Trusted::read(&store).is_err());
    }

    #[test]
    fn what_is_no_digest_is_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("trusted");
        fs::write(&store, "\n# note\nnonsense\n").expect("written");
        fs::set_permissions(&store, fs::Permissions::from_mode(0o600)).expect("set");
        assert!(Trusted::read(&store).expect("a store").digests.is_empty());
    }
}
