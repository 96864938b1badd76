//! Environments with all that they import or refer to: what a policy decides on, and the very texts that are evaluated.
//!
//! Nothing is evaluated for it. An evaluation reaches other environments only by `imports` and by
//! `${environments.PROJECT.NAME}`, and both are written out, so what is found by reading is at least what is reached.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::document::{Absence, Document};
use super::library::Library;
use super::provision::Salt;
use crate::encode::hexadecimal;
use crate::eval::{LoadError, Loaded, Loader};
use crate::protocol::{Code, ErrorAnswer};
use crate::source::Source;

/// The most environments that may hang on one another; evaluation takes no more imports.
const MOST: usize = 10_000;

/// The most that their texts may have together, in bytes.
const LARGEST: usize = 64 << 20;

/// Begins what a revision is the digest of, so that no other digest is the same; the digit changes with its form.
const DOMAIN: &[u8] = b"escrun revision 1\0";

/// Environments that were named, all that these import or refer to, and the very texts of it: what is decided is what is
/// evaluated.
#[derive(Debug)]
pub struct Closure {
    /// The environments that were named, each with all that it reaches.
    pub roots: Vec<(Arc<str>, BTreeSet<Arc<str>>)>,
    /// A digest of all of it, in hexadecimal digits: the revision that peers are told.
    pub revision: Arc<str>,
    /// The digest of all of it and of the places it is from: relative paths in a definition begin where it lies.
    inputs: [u8; 32],
    documents: BTreeMap<Arc<str>, Arc<Document>>,
}

/// What there is of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence<'a> {
    /// Its definition.
    Found,
    /// Nothing, as this says.
    Missing(&'a str),
    /// A definition that cannot be read, as this says.
    Unreadable(&'a str),
}

impl Closure {
    /// Reads what `names` reach in `folders`, now and for once.
    ///
    /// # Errors
    /// When the folders are not to be opened, or it is more than an evaluation takes.
    pub fn read(folders: Vec<PathBuf>, names: &[Arc<str>]) -> Result<Self, ErrorAnswer> {
        Library::new(folders).read(names)
    }

    /// Goes from `names` to all that they reach. `document` finds the document of an environment; `salt` tells of files
    /// besides.
    ///
    /// # Errors
    /// When it is more than an evaluation takes.
    pub(super) fn gather(
        names: &[Arc<str>],
        salt: Option<&Salt>,
        mut document: impl FnMut(&Arc<str>) -> Arc<Document>,
    ) -> Result<Self, ErrorAnswer> {
        let mut documents: BTreeMap<Arc<str>, Arc<Document>> = BTreeMap::new();
        let mut left: Vec<Arc<str>> = names.to_vec();
        let mut size = 0;
        while let Some(name) = left.pop() {
            if documents.contains_key(&name) {
                continue;
            }
            let found = document(&name);
            size += found.size();
            left.extend(found.references.iter().cloned());
            documents.insert(name, found);
            if documents.len() > MOST || size > LARGEST {
                return Err(too_large());
            }
        }
        let roots = names
            .iter()
            .map(|name| (Arc::clone(name), reach(&documents, name)))
            .collect();
        let revision = revision(names, &documents, salt);
        Ok(Self {
            roots,
            inputs: inputs(&revision, &documents),
            revision,
            documents,
        })
    }

    /// The names of the environments that were asked for.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.roots.iter().map(|(name, _)| name)
    }

    /// What there is of an environment that is in it.
    pub fn presence(&self, name: &str) -> Presence<'_> {
        match self.absence(name) {
            None => Presence::Found,
            Some(Absence { is_missing, error }) if *is_missing => Presence::Missing(&error.message),
            Some(Absence { error, .. }) => Presence::Unreadable(&error.message),
        }
    }

    /// The digest of everything in it.
    pub(super) fn inputs(&self) -> &[u8; 32] {
        &self.inputs
    }

    /// What was found of every environment in it.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Document>)> {
        self.documents.iter()
    }

    /// The text of an environment that is in it, if it has one.
    pub(super) fn source(&self, name: &str) -> Option<&Arc<Source>> {
        self.documents.get(name)?.text.as_ref().ok()
    }

    /// Why an environment that was asked for has no text, if that is so.
    pub(super) fn absence(&self, name: &str) -> Option<&Absence> {
        self.documents.get(name)?.text.as_ref().err()
    }
}

impl Loader for Closure {
    fn load(&self, name: &str) -> Result<Loaded, LoadError> {
        match self.documents.get(name).map(|document| &document.text) {
            Some(Ok(definition)) => Ok(Loaded {
                definition: Arc::clone(definition),
                local: None,
            }),
            Some(Err(absence)) => Err(absence.error.clone()),
            // Found by no reading, so nobody has decided about it.
            None => Err(LoadError {
                message: format!("environment {name} was not looked for"),
                hint: None,
            }),
        }
    }
}

/// Everything that `root` reaches.
fn reach(documents: &BTreeMap<Arc<str>, Arc<Document>>, root: &Arc<str>) -> BTreeSet<Arc<str>> {
    let mut reached = BTreeSet::new();
    let mut left = vec![root];
    while let Some(name) = left.pop() {
        let references = documents.get(name).map(|document| &document.references);
        for next in references.into_iter().flatten() {
            if reached.insert(Arc::clone(next)) {
                left.push(next);
            }
        }
    }
    reached
}

fn revision(
    names: &[Arc<str>],
    documents: &BTreeMap<Arc<str>, Arc<Document>>,
    salt: Option<&Salt>,
) -> Arc<str> {
    let mut digest = Sha256::new();
    digest.update(DOMAIN);
    let mut add = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    add(&(names.len() as u64).to_le_bytes());
    for name in names {
        add(name.as_bytes());
    }
    for (name, document) in documents {
        add(name.as_bytes());
        match &document.text {
            Ok(source) => {
                add(b"text");
                add(source.text().as_bytes());
            }
            Err(absence) => {
                add(b"absent");
                add(absence.error.message.as_bytes());
            }
        }
    }
    if let Some(salt) = salt {
        add(b"files");
        add(salt);
    }
    hexadecimal(&digest.finalize()).into()
}

fn inputs(revision: &str, documents: &BTreeMap<Arc<str>, Arc<Document>>) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(revision);
    let sources = documents
        .values()
        .filter_map(|document| document.text.as_ref().ok());
    for file in sources.filter_map(|source| source.file()) {
        digest.update(file.as_os_str().as_bytes());
        digest.update([0]);
    }
    digest.finalize().into()
}

fn too_large() -> ErrorAnswer {
    super::failure(
        Code::Faulty,
        format!(
            "more than {MOST} environments or {} MiB of definitions hang on one another",
            LARGEST >> 20
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn gather(names: &[&str], texts: &[(&str, &str)]) -> Closure {
        let texts: HashMap<&str, &str> = texts.iter().copied().collect();
        let names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(*name)).collect();
        let mut looked_for = Vec::new();
        Closure::gather(&names, None, |name| {
            assert!(!looked_for.contains(name), "{name} is looked for once");
            looked_for.push(Arc::clone(name));
            Arc::new(match texts.get(&**name) {
                Some(text) => Document::of_text(name, text),
                None => Document::absent("nothing there"),
            })
        })
        .expect("a closure")
    }

    fn reached(closure: &Closure) -> Vec<String> {
        let roots = closure.roots.iter();
        roots
            .map(|(name, reach)| {
                let reach: Vec<&str> = reach.iter().map(|name| &**name).collect();
                format!("{name}: {}", reach.join(" "))
            })
            .collect()
    }

    #[test]
    fn everything_that_evaluation_could_reach_is_found() {
        let closure = gather(
            &["a", "b", "ghost"],
            &[
                ("a", "imports: [c, {d: {merge: false}}]\nvalues: {x: 1}"),
                ("b", "values: {x: 'at ${environments.p.q.host}!'}"),
                (
                    "c",
                    "values: {l: [{fn::join: [',', ['${environments[\"p\"][\"r\"]}']]}]}",
                ),
                ("d", "imports: [a]"),
                (
                    "p/q",
                    "values: {fn::open::x: {k: {deep: ['${environments.p.s}']}}}",
                ),
                ("p/r", "values: {environments: {y: {z: 1}}}"),
                (
                    "p/s",
                    "imports: [nowhere]\nvalues: {x: '$${environments.not.this}'}",
                ),
            ],
        );
        assert_eq!(
            reached(&closure),
            ["a: a c d p/r", "b: nowhere p/q p/s", "ghost: "]
        );
        assert!(closure.absence("ghost").is_some() && closure.source("ghost").is_none());
        assert!(
            closure
                .load("nowhere")
                .is_err_and(|error| error.message == "nothing there")
        );
        assert!(closure.load("p/z").is_err());
        assert!(closure.load("c").is_ok_and(|loaded| loaded.local.is_none()));
    }

    #[test]
    fn a_revision_is_that_of_all_texts_and_of_the_order() {
        let texts = [("a", "imports: [b]"), ("b", "values: {x: 1}"), ("c", "")];
        let first = gather(&["a", "c"], &texts).revision;
        assert_eq!(first.len(), 64);
        assert_eq!(first, gather(&["a", "c"], &texts).revision);
        let others = [
            gather(&["c", "a"], &texts),
            gather(&["a"], &texts),
            gather(&["a", "c"], &[texts[0], ("b", "values: {x: 2}"), texts[2]]),
            gather(&["a", "c"], &[texts[0], texts[2]]),
            gather(&["a", "c"], &[texts[0], texts[1]]),
        ];
        for other in others {
            assert_ne!(first, other.revision, "{:?}", reached(&other));
        }
        // What nobody reaches does not count.
        let more = [texts[0], texts[1], texts[2], ("d", "values: {y: 1}")];
        assert_eq!(first, gather(&["a", "c"], &more).revision);
    }

    #[test]
    fn too_much_is_refused() {
        let result = Closure::gather(&["0".into()], None, |name| {
            let next: u32 = name.parse::<u32>().expect("a number") + 1;
            Arc::new(Document::of_text(name, &format!("imports: ['{next}']")))
        });
        assert_eq!(
            result.err().map(|failure| failure.error.code),
            Some(Code::Faulty)
        );
    }
}
