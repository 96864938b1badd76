//! The definition of one environment as it was found, and how to see that it is still the same.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::ast::{self, Access, Definition, ExprKind, Part, Selector};
use crate::eval::LoadError;
use crate::source::Source;
use crate::store::{Directory, EnvironmentName, Error, Found};

/// File systems stamp with a clock that lags behind by up to a tick, which is at most 10 ms: what was written so shortly
/// before it was read may have been written once more since, with the same stamp.
const LAG: Duration = Duration::from_millis(20);

/// What was found of an environment.
#[derive(Debug)]
pub(super) struct Document {
    /// Its text, or why there is none.
    pub(super) text: Result<Arc<Source>, Absence>,
    /// The environments that it imports or refers to, each once. Where its file is a link to the definition of another one,
    /// that one as well.
    pub(super) references: Box<[Arc<str>]>,
    /// The file that the text is from; none if it was changed too shortly ago.
    file: Option<DefinitionFile>,
}

/// The file that a definition was read from. It is the same one only if it is still another environment's, or still is not:
/// a folder behind a link may be renamed, which changes nothing in the file.
#[derive(Debug, PartialEq, Eq)]
struct DefinitionFile {
    path: PathBuf,
    stamp: Stamp,
    owner: Option<EnvironmentName>,
}

/// Why there is no text.
#[derive(Clone, Debug)]
pub(super) struct Absence {
    /// Whether there is no such environment, rather than one that cannot be read.
    pub(super) is_missing: bool,
    /// What is told.
    pub(super) error: LoadError,
}

impl Document {
    /// Looks for the environment `name`. Where the file is the one that `before` was read from, that is kept.
    pub(super) fn look(
        directory: &Directory,
        name: &Arc<str>,
        before: Option<&Arc<Self>>,
    ) -> Arc<Self> {
        let parsed: EnvironmentName = match name.parse() {
            Ok(parsed) => parsed,
            Err(error) => {
                return Arc::new(Self::without_text(&Error::Name {
                    name: name.to_string(),
                    error,
                }));
            }
        };
        let found = match directory.look_up(&parsed) {
            Ok(found) => found,
            Err(error) => return Arc::new(Self::without_text(&error)),
        };
        let stamp = found
            .metadata()
            .ok()
            .and_then(|metadata| Stamp::of(&metadata));
        // Whoever may make a link may not be one who may read what it leads to.
        let owner = found.owner();
        let file = stamp.map(|stamp| DefinitionFile {
            path: found.path(),
            stamp,
            owner: owner.clone(),
        });
        if let Some(before) = before
            && file.is_some()
            && before.file == file
        {
            return Arc::clone(before);
        }
        Arc::new(Self::read(found, owner, file))
    }

    fn read(
        found: Found<'_>,
        owner: Option<EnvironmentName>,
        file: Option<DefinitionFile>,
    ) -> Self {
        match found.read() {
            Ok(source) => Self {
                references: references(&source, owner),
                text: Ok(source),
                file,
            },
            Err(error) => Self::without_text(&error),
        }
    }

    fn without_text(error: &Error) -> Self {
        Self {
            text: Err(Absence {
                is_missing: matches!(error, Error::NotFound { .. }),
                error: LoadError {
                    message: error.to_string(),
                    hint: error.hint(),
                },
            }),
            references: Box::default(),
            file: None,
        }
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> usize {
        self.text.as_ref().map_or(0, |source| source.text().len())
    }

    /// The path of the file, if its folder alone does not tell of all that happens to it: it is reached by a link, or has
    /// other names.
    pub(super) fn watched_file(&self) -> Option<&PathBuf> {
        let DefinitionFile { path, stamp, .. } = self.file.as_ref()?;
        let is_link = || {
            path.symlink_metadata()
                .is_ok_and(|found| found.is_symlink())
        };
        (stamp.names > 1 || is_link()).then_some(path)
    }

    #[cfg(test)]
    pub(super) fn of_text(name: &str, text: &str) -> Self {
        let source = Source::new(name, None, text);
        Self {
            references: references(&source, None),
            text: Ok(source),
            file: None,
        }
    }

    #[cfg(test)]
    pub(super) fn absent(message: &str) -> Self {
        Self {
            text: Err(Absence {
                is_missing: true,
                error: LoadError {
                    message: message.to_owned(),
                    hint: None,
                },
            }),
            references: Box::default(),
            file: None,
        }
    }
}

/// What tells a file from itself after a change (inode(7)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    names: u64,
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file; nothing if it was changed too shortly ago for one to tell.
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        let seconds = u64::try_from(metadata.ctime()).ok()?;
        let nanoseconds = u64::try_from(metadata.ctime_nsec()).ok()?;
        let changed = Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds);
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        (changed + LAG < now).then(|| Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            names: metadata.nlink(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// The environments that a definition imports or refers to, wherever the reference stands, and the one that it is of.
fn references(source: &Arc<Source>, owner: Option<EnvironmentName>) -> Box<[Arc<str>]> {
    let parsed = ast::parse(source);
    let mut names: BTreeSet<Arc<str>> = BTreeSet::new();
    names.extend(owner.map(|owner| Arc::from(owner.as_str())));
    if let Some(definition) = &parsed.definition {
        names.extend(
            definition
                .imports
                .iter()
                .map(|import| Arc::clone(&import.name)),
        );
        names.extend(accesses(definition).filter_map(inline_reference));
    }
    names.into_iter().collect()
}

/// Every access of a definition, arguments of calls included: all expressions lie in one list.
fn accesses(definition: &Definition) -> impl Iterator<Item = &Access> {
    definition.expressions().flat_map(
        |(_, expression)| -> Box<dyn Iterator<Item = &Access> + '_> {
            match &expression.kind {
                ExprKind::Reference(access) => Box::new(std::iter::once(access)),
                ExprKind::Interpolation(parts) => {
                    Box::new(parts.iter().filter_map(|part| match part {
                        Part::Access(access) => Some(access),
                        Part::Text(_) => None,
                    }))
                }
                _ => Box::new(std::iter::empty()),
            }
        },
    )
}

/// The environment that `environments.PROJECT.NAME…` names.
fn inline_reference(access: &Access) -> Option<Arc<str>> {
    let keys = access
        .accessors
        .iter()
        .map(|accessor| match &accessor.selector {
            Selector::Key(key) => Some(&**key),
            Selector::Index(_) => None,
        });
    let keys: Vec<&str> = keys.take(3).collect::<Option<_>>()?;
    match keys[..] {
        ["environments", project, environment] => Some(format!("{project}/{environment}").into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::Overlays;

    #[test]
    fn an_unchanged_file_is_not_read_again() {
        let scratch = tempfile::tempdir().expect("a folder");
        let file = scratch.path().join("a.yaml");
        let name: Arc<str> = "a".into();
        let directory = Directory::open([scratch.path()], Overlays::Ignored).expect("a folder");
        let look = |before: Option<&Arc<Document>>| Document::look(&directory, &name, before);

        let missing = look(None);
        assert!(
            missing
                .text
                .as_ref()
                .is_err_and(|absence| absence.is_missing)
        );
        fs::write(&file, "values: {a: 1}").expect("a file");
        // Just written, so its stamp does not tell yet.
        let fresh = look(Some(&missing));
        assert_eq!(fresh.size(), 14);
        let settled = loop {
            let found = look(Some(&fresh));
            if found.file.is_some() {
                break found;
            }
            std::thread::yield_now();
        };
        assert!(Arc::ptr_eq(&settled, &look(Some(&settled))));
        fs::write(&file, "values: {a: 2}").expect("a file");
        let changed = look(Some(&settled));
        assert!(
            changed
                .text
                .as_ref()
                .is_ok_and(|source| source.text().ends_with("2}"))
        );
        fs::remove_file(&file).expect("removed");
        assert!(look(Some(&changed)).text.is_err());
    }

    #[test]
    fn a_link_reaches_whose_definition_it_leads_to() {
        use std::os::unix::fs::symlink;

        let scratch = tempfile::tempdir().expect("a folder");
        let at = |path: &str| scratch.path().join(path);
        for folder in ["a", "b", "..1"] {
            fs::create_dir(at(folder)).expect("a folder");
        }
        for file in ["b/prod.yaml", "b/prod.local.yaml", "..1/own.yaml"] {
            fs::write(at(file), "imports: [c]").expect("a file");
        }
        for (target, link) in [
            ("../b/prod.yaml", "a/file.yaml"),
            ("file.yaml", "a/again.yaml"),
            ("../b/prod.local.yaml", "a/overlay.yaml"),
            ("b", "folder"),
            ("..1/own.yaml", "own.yaml"),
        ] {
            symlink(target, at(link)).expect("a link");
        }
        let directory = Directory::open([scratch.path()], Overlays::Ignored).expect("a folder");
        for (name, expected) in [
            ("b/prod", &["c"][..]),
            ("a/file", &["b/prod", "c"]),
            ("a/again", &["b/prod", "c"]),
            ("a/overlay", &["b/prod", "c"]),
            ("folder/prod", &["b/prod", "c"]),
            ("own", &["c"]),
        ] {
            let document = Document::look(&directory, &name.into(), None);
            let references: Vec<&str> = document.references.iter().map(|name| &**name).collect();
            assert_eq!(references, expected, "{name}");
        }
    }

    #[test]
    fn whose_definition_a_link_leads_to_is_asked_each_time() {
        use std::os::unix::fs::symlink;

        let scratch = tempfile::tempdir().expect("a folder");
        let at = |path: &str| scratch.path().join(path);
        fs::create_dir(at("b")).expect("a folder");
        fs::write(at("b/prod.yaml"), "").expect("a file");
        symlink("b", at("link")).expect("a link");
        let directory = Directory::open([scratch.path()], Overlays::Ignored).expect("a folder");
        let look = |before| Document::look(&directory, &"link/prod".into(), before);
        // Until it is old enough to be kept.
        let mut before = look(None);
        while before.file.is_none() {
            std::thread::yield_now();
            before = look(None);
        }
        assert_eq!(*before.references, ["b/prod".into()]);
        assert!(Arc::ptr_eq(&before, &look(Some(&before))));
        fs::rename(at("b"), at("c")).expect("renamed");
        fs::remove_file(at("link")).expect("removed");
        symlink("c", at("link")).expect("a link");
        assert_eq!(*look(Some(&before)).references, ["c/prod".into()]);
    }

    #[test]
    fn a_file_with_other_names_is_watched_itself() {
        let scratch = tempfile::tempdir().expect("a folder");
        let at = |name: &str| scratch.path().join(name);
        for name in ["plain.yaml", "target", "linked.yaml"] {
            fs::write(at(name), "").expect("a file");
        }
        fs::hard_link(at("linked.yaml"), at("other")).expect("a link");
        std::os::unix::fs::symlink("target", at("symbolic.yaml")).expect("a link");
        let directory = Directory::open([scratch.path()], Overlays::Ignored).expect("a folder");
        for (name, is_watched) in [("plain", false), ("linked", true), ("symbolic", true)] {
            let document = loop {
                let document = Document::look(&directory, &name.into(), None);
                if document.file.is_some() {
                    break document;
                }
            };
            assert_eq!(document.watched_file().is_some(), is_watched, "{name}");
        }
    }
}
