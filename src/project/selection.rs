//! Which environments are meant: names, or a definition that stands in another file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::config::{Fault, refused};
use super::error::Error;
use crate::diagnostic::any_error;
use crate::source::{ANONYMOUS, Source, Span};
use crate::store::EnvironmentName;
use crate::syntax::{self, NodeKind};

/// The environments that a process gets.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These, later ones win.
    Names(Vec<Import>),
    /// What this definition says. Its text is that of the file that it stands in, with all else blanked, so that every
    /// position in it is one in that file.
    Inline(Arc<Source>),
}

/// One environment of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its name.
    pub name: EnvironmentName,
    /// Whether its values become those of the whole, or can only be referred to (spec section 2.1).
    pub merge: bool,
}

impl From<EnvironmentName> for Import {
    fn from(name: EnvironmentName) -> Self {
        Self { name, merge: true }
    }
}

/// What stands under `environment`, without the text of an inline definition.
#[derive(Debug)]
pub(super) enum Entry {
    Names(Vec<Import>),
    Inline,
}

impl Entry {
    /// The selection, taken from the text of `file` where it stands there inline.
    pub(super) fn select(self, file: &Path, text: &str) -> Result<Selection, Error> {
        match self {
            Entry::Names(imports) => Ok(Selection::Names(imports)),
            Entry::Inline => inline(file, text).map(Selection::Inline),
        }
    }
}

/// The mapping under `environment` in the text of `file`, as a definition of its own.
fn inline(file: &Path, text: &str) -> Result<Arc<Source>, Error> {
    let source = Source::new(ANONYMOUS, Some(file.to_owned()), text);
    let (node, diagnostics) = syntax::parse(&source);
    let entries = match node.map(|node| node.kind) {
        Some(NodeKind::Map { entries, .. }) => entries,
        _ => Vec::new(),
    };
    match entries.iter().rfind(|entry| &*entry.key == "environment") {
        Some(entry) => Ok(excerpt(&source, entry.value.span)),
        None if any_error(&diagnostics) => Err(Error::Inline(diagnostics)),
        // Read as settings it has one, so it is written in a way that definitions do not know, such as a merge key.
        None => Err(Error::Fault(Fault {
            file: file.to_owned(),
            place: None,
            key: "environment".to_owned(),
            message: "is not written as a definition is".to_owned(),
            hint: Some("write it without anchors and merge keys".to_owned()),
        })),
    }
}

/// The source with everything blanked but `span`. Line breaks stay and every other byte becomes a blank, so that offsets
/// and lines are those of the file.
fn excerpt(source: &Source, span: Span) -> Arc<Source> {
    let text = source.text();
    let range = span.range();
    let mut kept = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if range.contains(&at) || matches!(character, '\n' | '\r') {
            kept.push(character);
        } else {
            kept.extend(std::iter::repeat_n(' ', character.len_utf8()));
        }
    }
    kept.truncate(range.end);
    Source::new(ANONYMOUS, source.file().map(Path::to_owned), kept)
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an environment's name, a list of names or a definition")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Entry, E> {
                Ok(Entry::Names(vec![name(text)?.into()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entry, A::Error> {
                let mut imports = Vec::new();
                while let Some(import) = list.next_element()? {
                    imports.push(import);
                }
                Ok(Entry::Names(imports))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Entry::Inline)
            }
        }

        deserializer.deserialize_any(EntryVisitor)
    }
}

fn name<E: de::Error>(text: &str) -> Result<EnvironmentName, E> {
    text.parse().map_err(refused)
}

impl<'de> Deserialize<'de> for Import {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ImportVisitor;

        impl<'de> Visitor<'de> for ImportVisitor {
            type Value = Import;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an environment's name, or a mapping with one as its only key")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Import, E> {
                Ok(name(text)?.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Import, A::Error> {
                let Some((key, options)) = map.next_entry::<String, Options>()? else {
                    return Err(refused("a mapping of an environment must have one key"));
                };
                if map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    return Err(refused("a mapping of an environment must have one key"));
                }
                Ok(Import {
                    name: name(&key)?,
                    merge: options.merge,
                })
            }
        }

        deserializer.deserialize_any(ImportVisitor)
    }
}

/// The options of an import. As in a definition, keys match without case and unknown ones are passed over.
struct Options {
    merge: bool,
}

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OptionsVisitor;

        impl<'de> Visitor<'de> for OptionsVisitor {
            type Value = Options;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of options")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Options, A::Error> {
                let mut options = Options { merge: true };
                while let Some(key) = map.next_key::<String>()? {
                    if key.eq_ignore_ascii_case("merge") {
                        options.merge = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(options)
            }
        }

        deserializer.deserialize_map(OptionsVisitor)
    }
}

#[cfg(test)]
mod tests;
